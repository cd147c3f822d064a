//! PEM blocks in a text, with whatever stands around them.
//!
//! Decides which labels are keys and certificates; blocks with other labels are passed over. Never quotes a text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{Failure, Part};

/// What a block says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    Certificate,
    Pkcs1,
    Pkcs8,
    Sec1,
    Encrypted,
}

/// A block, decoded.
pub(super) struct Block {
    pub(super) label: Label,
    pub(super) der: Zeroizing<Vec<u8>>,
}

/// Every block that is a certificate or a key.
pub(super) fn blocks(text: &str, part: Part) -> Result<Vec<Block>, Failure> {
    let mut blocks = vec![];
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("-----BEGIN ") {
        let (label, after) = after.split_once("-----").ok_or(Failure::Broken(part))?;
        let (body, after) = after.split_once("-----END ").ok_or(Failure::Broken(part))?;
        rest = after.strip_prefix(label).and_then(|after| after.strip_prefix("-----")).ok_or(Failure::Broken(part))?;
        if let Some(label) = labelled(label, body) {
            blocks.push(Block { label, der: decoded(body).ok_or(Failure::Broken(part))? });
        }
    }
    Ok(blocks)
}

fn labelled(label: &str, body: &str) -> Option<Label> {
    let key = |label| if body.contains("ENCRYPTED") { Label::Encrypted } else { label };
    match label {
        "CERTIFICATE" | "X509 CERTIFICATE" => Some(Label::Certificate),
        "PRIVATE KEY" => Some(key(Label::Pkcs8)),
        "RSA PRIVATE KEY" => Some(key(Label::Pkcs1)),
        "EC PRIVATE KEY" => Some(key(Label::Sec1)),
        "ENCRYPTED PRIVATE KEY" => Some(Label::Encrypted),
        _ => None,
    }
}

/// Decodes the lines that are no headers.
fn decoded(body: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut packed = Zeroizing::new(String::with_capacity(body.len()));
    for line in body.lines().filter(|line| !line.contains(':')) {
        packed.extend(line.chars().filter(|sign| !sign.is_whitespace()));
    }
    STANDARD.decode(packed.as_bytes()).ok().filter(|der| !der.is_empty()).map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&[(Label, &[u8])], Failure>) {
        let found = blocks(text, Part::Key);
        let found = found
            .as_ref()
            .map(|blocks| blocks.iter().map(|block| (block.label, block.der.as_slice())).collect::<Vec<_>>());
        assert_eq!(found.map_err(|failure| *failure), expected.map(<[_]>::to_vec), "{text}");
    }

    #[test]
    fn blocks_are_found_whatever_stands_around_them() {
        let text = "Bag Attributes\r\n  a: b\r\n-----BEGIN CERTIFICATE-----\r\nAQ\r\nI=\r\n-----END CERTIFICATE-----\r\n\
                    -----BEGIN EC PARAMETERS-----\nBg==\n-----END EC PARAMETERS-----\n\
                    -----BEGIN EC PRIVATE KEY-----\nAw==\n-----END EC PRIVATE KEY-----";
        check(text, Ok(&[(Label::Certificate, &[1, 2]), (Label::Sec1, &[3])]));
        check("", Ok(&[]));
        let encrypted = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: A,B\n\nAw==\n\
                         -----END RSA PRIVATE KEY-----\n";
        check(encrypted, Ok(&[(Label::Encrypted, &[3])]));
    }

    #[test]
    fn broken_blocks_are_told() {
        for text in [
            "-----BEGIN CERTIFICATE",
            "-----BEGIN CERTIFICATE-----\nAQ==",
            "-----BEGIN CERTIFICATE-----\nAQ==\n-----END PRIVATE KEY-----",
            "-----BEGIN CERTIFICATE-----\nA?==\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
        ] {
            check(text, Err(Failure::Broken(Part::Key)));
        }
    }
}
