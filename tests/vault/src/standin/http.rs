//! As much of HTTP/1.1 (RFC 9112) as a client of Vault uses.

use std::io::{self, Read, Write};
use std::time::SystemTime;

/// A request, whole.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    /// Without `/v1/`.
    pub(super) path: String,
    pub(super) token: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) body: Vec<u8>,
}

/// An answer. The body is JSON, or empty.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// `None` at the end of the connection.
pub(super) fn read(stream: &mut impl Read) -> io::Result<Option<Request>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte)? {
            0 if head.is_empty() => return Ok(None),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            // Such as the beginning of TLS.
            _ if !byte.is_ascii() || byte[0] == 0x16 => {
                return Err(io::ErrorKind::InvalidData.into());
            }
            _ => head.push(byte[0]),
        }
    }
    let head = String::from_utf8(head).map_err(|_| io::ErrorKind::InvalidData)?;
    let mut lines = head.lines();
    let mut start = lines.next().unwrap_or_default().split(' ');
    let method = start.next().unwrap_or_default().to_owned();
    let target = start.next().unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default().strip_prefix("/v1/");
    let headers: Vec<(String, &str)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
        .collect();
    let header = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, value)| *value);
    let length = header("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Some(Request {
        path: path.unwrap_or_default().to_owned(),
        token: header("x-vault-token").map(str::to_owned),
        namespace: header("x-vault-namespace").map(str::to_owned),
        method,
        body,
    }))
}

pub(super) fn write(
    stream: &mut impl Write,
    response: &Response,
    date: Option<SystemTime>,
) -> io::Result<()> {
    let Response { status, body } = response;
    let location = if *status == 307 { "Location: /v1/elsewhere\r\n" } else { "" };
    let date =
        date.map(|date| format!("Date: {}\r\n", httpdate::fmt_http_date(date))).unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\n{date}{location}Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat())?;
    stream.flush()
}
