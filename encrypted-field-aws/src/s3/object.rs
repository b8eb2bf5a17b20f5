//! The current version of the object.

use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::primitives::ByteStream;
use encrypted_field::envelope::{BackendError, BackendErrorKind};

use super::{AwsS3Object, LONGEST, error, garbled, misconfigured};

/// A text, and its `ETag`.
type Version = (String, String);

/// The current version, or `None` where S3 knows of none.
pub(super) async fn read(object: &AwsS3Object) -> Result<Option<Version>, BackendError> {
    // The SDK's own limit ends where the body begins.
    let limited = tokio::time::timeout(object.timeout, current(object)).await;
    limited.unwrap_or_else(|_| {
        Err(BackendError::new(BackendErrorKind::Unavailable, "no answer in time"))
    })
}

async fn current(object: &AwsS3Object) -> Result<Option<Version>, BackendError> {
    let call = object.client.get_object().bucket(&object.bucket).key(&object.key);
    let output = match call.customize().config_override(object.calls()).send().await {
        Ok(output) => output,
        Err(e) if is_deleted(&e) => return Err(error::deleted()),
        Err(e) if e.as_service_error().is_some_and(GetObjectError::is_no_such_key) => {
            return Ok(None);
        }
        Err(e) => return Err(error::of_s3(e)),
    };
    let tag = output.e_tag.clone().filter(|tag| !tag.is_empty());
    let tag = tag.ok_or_else(|| garbled("it did not say which version it answered with"))?;
    let text = String::from_utf8(body(output).await?)
        .map_err(|_| garbled("it is not UTF-8: it was not written by this library"))?;
    Ok(Some((text, tag)))
}

/// Whether S3 says that the current version is a delete marker.
fn is_deleted(error: &SdkError<GetObjectError>) -> bool {
    let marked =
        error.raw_response().and_then(|response| response.headers().get("x-amz-delete-marker"));
    marked.is_some_and(|marked| marked.eq_ignore_ascii_case("true"))
}

/// At most [`LONGEST`] bytes: whoever may write the object must not fill the memory of those that
/// read it.
async fn body(output: GetObjectOutput) -> Result<Vec<u8>, BackendError> {
    let (mut body, mut bytes) = (output.body, Vec::new());
    while let Some(chunk) = body.next().await {
        // The error is one of the connection or of a checksum; it is not shown, as it may be of the
        // client's own making.
        let chunk = chunk.map_err(|_| {
            BackendError::new(BackendErrorKind::Unavailable, "its text did not arrive whole")
        })?;
        if bytes.len() + chunk.len() > LONGEST {
            return Err(misconfigured(
                "it is larger than 64 MiB: it was not written by this library",
            ));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Puts the version that follows the one with the tag `before`. `Ok(false)` where that is not the
/// current one.
pub(super) async fn replace(
    object: &AwsS3Object,
    before: Option<&String>,
    text: String,
) -> Result<bool, BackendError> {
    // To a conditional write an object that was deleted is one that never was.
    if before.is_none() && read(object).await?.is_some() {
        return Ok(false);
    }
    let call = object.client.put_object().bucket(&object.bucket).key(&object.key);
    let call = match before {
        None => call.if_none_match("*"),
        Some(tag) => call.if_match(tag),
    };
    let call =
        call.content_type("text/plain; charset=utf-8").body(ByteStream::from(text.into_bytes()));
    match call.customize().config_override(object.one_try()).send().await {
        Ok(put) if put.e_tag.as_ref().is_some_and(|tag| !tag.is_empty()) => Ok(true),
        Ok(_) => Err(garbled("it did not say which version it has put")),
        Err(e) => match e.as_service_error().and_then(|service| service.code()) {
            Some("PreconditionFailed" | "ConditionalRequestConflict") => Ok(false),
            // The answer to `If-Match` where there is no object.
            Some("NoSuchKey") => Err(error::deleted()),
            _ => Err(error::of_s3(e)),
        },
    }
}
