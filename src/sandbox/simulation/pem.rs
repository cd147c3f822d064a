//! Certificates that differ in nothing but their number and their times: cheap, and readable to whoever looks for those.
//!
//! Takes one real certificate as a pattern; nobody checks its signature.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use rcgen::{CertificateParams, KeyPair, SerialNumber};

const NUMBER: [u8; 8] = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x78];
const BEGIN: &str = "300102030405Z";
const END: &str = "310102030405Z";

/// A certificate of that number, valid between these moments.
pub(super) fn certificate(number: u64, from: Timestamp, until: Timestamp) -> String {
    static PATTERN: OnceLock<Vec<u8>> = OnceLock::new();
    let mut der = PATTERN.get_or_init(|| pattern().unwrap_or_default()).clone();
    // Positive, whatever the number.
    let mut bytes = number.to_be_bytes();
    bytes[0] = 0x11;
    replace(&mut der, &NUMBER, &bytes);
    replace(&mut der, BEGIN.as_bytes(), moment(from).as_bytes());
    replace(&mut der, END.as_bytes(), moment(until).as_bytes());
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(der))
}

/// What stands for the private key of that number.
pub(super) fn key(number: u64) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(number.to_be_bytes()))
}

fn pattern() -> Result<Vec<u8>, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(&NUMBER));
    let epoch = rcgen::date_time_ymd(2030, 1, 2);
    let time = std::time::Duration::from_secs(3 * 3_600 + 4 * 60 + 5);
    params.not_before = epoch + time;
    params.not_after = rcgen::date_time_ymd(2031, 1, 2) + time;
    Ok(params.self_signed(&KeyPair::generate()?)?.der().to_vec())
}

fn replace(der: &mut [u8], what: &[u8], by: &[u8]) {
    let place = der.windows(what.len()).position(|window| window == what);
    if let Some(place) = place.and_then(|place| der.get_mut(place..place + what.len()))
        && place.len() == by.len()
    {
        place.copy_from_slice(by);
    }
}

fn moment(time: Timestamp) -> String {
    time.strftime("%y%m%d%H%M%SZ").to_string()
}
