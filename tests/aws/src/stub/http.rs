//! As much of HTTP/1.1 as the SDK needs.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::SystemTime;

use aws_smithy_types::date_time::{DateTime, Format};
use encrypted_field::envelope::Clock;
use serde_json::Value;

use super::{Reply, Shared};

/// Answers the requests of one connection until the client closes it.
pub(super) fn serve(mut connection: &TcpStream, shared: &Shared) -> io::Result<()> {
    let mut reader = BufReader::new(connection);
    while let Some((operation, body)) = request(&mut reader)? {
        let request = serde_json::from_slice(&body).unwrap_or(Value::Null);
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

/// The operation of the next request, and its body.
fn request(reader: &mut BufReader<&TcpStream>) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut operation = String::new();
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            // The request line, or the end of the headers.
            if line.trim_end().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "x-amz-target" => operation = value.rsplit('.').next().unwrap_or_default().trim().to_owned(),
            "content-length" => length = value.trim().parse().unwrap_or(0),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some((operation, body)))
}
