//! As much of HTTP/1.1 as the SDK needs.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::SystemTime;

use aws_smithy_types::date_time::{DateTime, Format};
use encrypted_field::envelope::Clock;
use serde_json::{Map, Value};

use super::{Reply, Shared, object};

/// Answers the requests of one connection until the client closes it.
pub(super) fn serve(mut connection: &TcpStream, shared: &Shared) -> io::Result<()> {
    let mut reader = BufReader::new(connection);
    while let Some((operation, request)) = request(&mut reader)? {
        let (reply, date) = {
            let mut state = shared.state.lock().expect("the stub does not panic");
            (state.reply(&operation, &request), state.clock.as_ref().map(Clock::wall))
        };
        let date = date.map(|date| format!("date: {}\r\n", http_date(date))).unwrap_or_default();
        match reply {
            Reply::Json(status, body) => write!(
                connection,
                "HTTP/1.1 {status} Stub\r\ncontent-type: application/x-amz-json-1.1\r\n{date}content-length: {}\r\n\r\n{body}",
                body.len()
            )?,
            Reply::Xml(status, headers, body) => write!(
                connection,
                "HTTP/1.1 {status} Stub\r\ncontent-type: application/xml\r\n{headers}{date}content-length: {}\r\n\r\n{body}",
                body.len()
            )?,
            Reply::Part => {
                write!(
                    connection,
                    "HTTP/1.1 200 Stub\r\netag: \"a\"\r\ncontent-length: 9\r\n\r\n{{"
                )?;
            }
            Reply::Close => return Ok(()),
            // Until the client gives up and closes.
            Reply::Nothing => {}
        }
    }
    Ok(())
}

fn http_date(date: SystemTime) -> String {
    DateTime::from(date).fmt(Format::HttpDate).expect("a date that HTTP can write")
}

/// The operation of the next request, and what it says: a body of JSON, or for S3 the headers, the
/// parameters and the `body`.
fn request(reader: &mut BufReader<&TcpStream>) -> io::Result<Option<(String, Value)>> {
    let mut operation = String::new();
    let mut length = 0;
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut said = parameters(&target);
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            // The end of the headers.
            break;
        };
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            "x-amz-target" => {
                operation = value.rsplit('.').next().unwrap_or_default().trim().to_owned();
            }
            "content-length" => length = value.trim().parse().unwrap_or(0),
            _ => {}
        }
        said.insert(name, value.trim().into());
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    if !operation.is_empty() {
        return Ok(Some((operation, serde_json::from_slice(&body).unwrap_or(Value::Null))));
    }
    said.insert("body".into(), String::from_utf8_lossy(&body).into());
    let said = Value::Object(said);
    Ok(Some((object::operation(&method, &said).to_owned(), said)))
}

/// What stands behind the question mark. The tests have no names that need escapes.
fn parameters(target: &str) -> Map<String, Value> {
    let pairs = target.split_once('?').map_or("", |(_, pairs)| pairs).split('&');
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(n, v)| (n.to_owned(), v.into()))
        .collect()
}
