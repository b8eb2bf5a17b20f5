//! Addresses are their bytes in network order: 4 or 16, and for a socket also its port, then for
//! IPv6 the flow label and the scope id.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use zeroize::Zeroizing;

use super::{Encoded, Plaintext, PlaintextError, legacy_str, overwrite_with, plain_value, shown};

const NOT_AN_ADDRESS: PlaintextError = PlaintextError::new("not an address of the field's type");

/// An address type, from its encoding and back.
trait Address: Sized {
    fn bytes(&self) -> Encoded<'static>;
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

impl Address for Ipv4Addr {
    fn bytes(&self) -> Encoded<'static> {
        Encoded::inline(&*Zeroizing::new(self.octets()))
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        <[u8; 4]>::try_from(bytes).ok().map(Self::from)
    }
}

impl Address for Ipv6Addr {
    fn bytes(&self) -> Encoded<'static> {
        Encoded::inline(&*Zeroizing::new(self.octets()))
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        <[u8; 16]>::try_from(bytes).ok().map(Self::from)
    }
}

impl Address for IpAddr {
    fn bytes(&self) -> Encoded<'static> {
        match self {
            Self::V4(ip) => ip.bytes(),
            Self::V6(ip) => ip.bytes(),
        }
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Ipv4Addr::from_bytes(bytes)
            .map(Self::V4)
            .or_else(|| Ipv6Addr::from_bytes(bytes).map(Self::V6))
    }
}

impl Address for SocketAddrV4 {
    fn bytes(&self) -> Encoded<'static> {
        let mut bytes = Zeroizing::new([0; 6]);
        bytes[..4].copy_from_slice(&self.ip().octets());
        bytes[4..].copy_from_slice(&self.port().to_be_bytes());
        Encoded::inline(&*bytes)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (ip, port) = bytes.split_first_chunk::<4>()?;
        Some(Self::new((*ip).into(), u16::from_be_bytes(port.try_into().ok()?)))
    }
}

impl Address for SocketAddrV6 {
    fn bytes(&self) -> Encoded<'static> {
        let mut bytes = Zeroizing::new([0; 26]);
        bytes[..16].copy_from_slice(&self.ip().octets());
        bytes[16..18].copy_from_slice(&self.port().to_be_bytes());
        bytes[18..22].copy_from_slice(&self.flowinfo().to_be_bytes());
        bytes[22..].copy_from_slice(&self.scope_id().to_be_bytes());
        Encoded::inline(&*bytes)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (ip, rest) = bytes.split_first_chunk::<16>()?;
        let (port, rest) = rest.split_first_chunk()?;
        let (flow, scope) = rest.split_first_chunk()?;
        let scope = scope.try_into().ok()?;
        Some(Self::new(
            (*ip).into(),
            u16::from_be_bytes(*port),
            u32::from_be_bytes(*flow),
            u32::from_be_bytes(scope),
        ))
    }
}

impl Address for SocketAddr {
    fn bytes(&self) -> Encoded<'static> {
        match self {
            Self::V4(socket) => socket.bytes(),
            Self::V6(socket) => socket.bytes(),
        }
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        SocketAddrV4::from_bytes(bytes)
            .map(Self::V4)
            .or_else(|| SocketAddrV6::from_bytes(bytes).map(Self::V6))
    }
}

/// An address as text. PostgreSQL writes its `inet` with the length of the network. If the value is
/// a single address, that is the length of the address.
fn without_network(text: &str) -> Result<&str, PlaintextError> {
    match text.split_once('/') {
        None => Ok(text),
        Some((v4, "32")) if !v4.contains(':') => Ok(v4),
        Some((v6, "128")) if v6.contains(':') => Ok(v6),
        Some(_) => Err(PlaintextError::new("the address of a network and not of a host")),
    }
}

macro_rules! addresses {
    ($($address:ty as $encoding:literal = $blank:expr, $read:expr;)+) => {$(
        impl Plaintext for $address {
            plain_value!(Self);
            overwrite_with!($blank);

            const ENCODING: Option<&'static str> = Some($encoding);

            fn encode(&self) -> Result<Encoded<'_>, PlaintextError> {
                Ok(self.bytes())
            }

            fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
                Self::from_bytes(&bytes).ok_or(NOT_AN_ADDRESS)
            }

            /// As Rust prints it. An IP address also as `inet` of PostgreSQL prints it.
            fn from_legacy(stored: &[u8]) -> Result<Self, PlaintextError> {
                let read: fn(&str) -> Result<&str, PlaintextError> = $read;
                read(legacy_str(stored)?)?.parse().map_err(|_| NOT_AN_ADDRESS)
            }

            fn to_legacy(&self) -> Result<Encoded<'_>, PlaintextError> {
                shown(self)
            }
        }
    )+};
}

addresses! {
    IpAddr as "ip" = Self::V4(Ipv4Addr::UNSPECIFIED), without_network;
    Ipv4Addr as "ip" = Self::UNSPECIFIED, without_network;
    Ipv6Addr as "ip" = Self::UNSPECIFIED, without_network;
    SocketAddr as "socket" = Self::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)), |text| Ok(text);
    SocketAddrV4 as "socket" = Self::new(Ipv4Addr::UNSPECIFIED, 0), |text| Ok(text);
    SocketAddrV6 as "socket" = Self::new(Ipv6Addr::UNSPECIFIED, 0, 0, 0), |text| Ok(text);
}
