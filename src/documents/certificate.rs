//! From when to when a certificate is valid.
//!
//! Takes a text that may be anything; what cannot be read has no validity. Never looks at anything else in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::time::Time;

use crate::world::Validity;

/// The validity of the first certificate in a PEM text.
pub(super) fn validity(pem: &[u8]) -> Option<Validity> {
    let text = std::str::from_utf8(pem).ok()?;
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let packed: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let certificate = Certificate::from_der(&STANDARD.decode(packed).ok()?).ok()?;
    let validity = certificate.tbs_certificate().validity();
    Some(Validity { from: moment(validity.not_before)?, until: moment(validity.not_after)? })
}

fn moment(time: Time) -> Option<Timestamp> {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok()?;
    Timestamp::from_second(seconds).ok()
}
