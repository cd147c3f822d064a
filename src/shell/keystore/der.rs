//! The little of DER that takes keys and stores apart and puts them together again.
//!
//! Reads no length that is not there and no form that DER does not have; decides nothing about meaning.

/// INTEGER 0
pub(super) const ZERO: &[u8] = &[0x02, 0x01, 0x00];
/// The algorithm of RSA keys, with its parameter NULL.
pub(super) const RSA: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
/// The name of the algorithm of keys on elliptic curves.
pub(super) const EC: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// The tag of INTEGER.
const INTEGER: u8 = 0x02;
/// The tag of OCTET STRING.
pub(super) const OCTETS: u8 = 0x04;
/// The tag of SEQUENCE.
pub(super) const SEQUENCE: u8 = 0x30;
/// The tag of `[0]`, explicit.
pub(super) const ZEROTH: u8 = 0xa0;

/// One element: its tag, what it holds, and all of it.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    pub(super) whole: &'a [u8],
}

/// Takes the first element off.
pub(super) fn first(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&short, rest) = rest.split_first()?;
    let (length, rest) = if short < 0x80 {
        (usize::from(short), rest)
    } else {
        let (length, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
        if length.is_empty() || length.len() > 4 {
            return None;
        }
        (length.iter().fold(0, |total, byte| (total << 8) | usize::from(*byte)), rest)
    };
    let (content, after) = rest.split_at_checked(length)?;
    let (whole, _) = bytes.split_at_checked(bytes.len() - after.len())?;
    Some((Element { tag, content, whole }, after))
}

/// All elements, one after the other.
pub(super) fn all(mut bytes: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut elements = vec![];
    while !bytes.is_empty() {
        let (element, rest) = first(bytes)?;
        elements.push(element);
        bytes = rest;
    }
    Some(elements)
}

/// The content of the only element, which has that tag.
pub(super) fn only(tag: u8, bytes: &[u8]) -> Option<&[u8]> {
    let (element, rest) = first(bytes)?;
    (element.tag == tag && rest.is_empty()).then_some(element.content)
}

/// Writes an element.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length = length.get(length.iter().take_while(|byte| **byte == 0).count()..).unwrap_or_default();
    let mut bytes = Vec::with_capacity(content.len() + 2 + length.len());
    bytes.push(tag);
    match (length, u8::try_from(length.len())) {
        ([] | [..=0x7f], _) | (_, Err(_)) => bytes.push(length.first().copied().unwrap_or_default()),
        (_, Ok(count)) => {
            bytes.push(0x80 | count);
            bytes.extend_from_slice(length);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

/// Writes a SEQUENCE of whole elements.
pub(super) fn sequence(elements: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, &elements.concat())
}

/// Whether it has the form of an RSA key: a version and eight numbers.
pub(super) fn is_pkcs1(key: &[u8]) -> bool {
    let numbers = only(SEQUENCE, key).and_then(all).unwrap_or_default();
    numbers.len() == 9 && numbers.iter().all(|number| number.tag == INTEGER && !number.content.is_empty())
}

/// Whether it has the form of a key on a curve: version 1, and a number as bytes.
pub(super) fn is_sec1(key: &[u8]) -> bool {
    let fields = only(SEQUENCE, key).and_then(all).unwrap_or_default();
    matches!(fields.as_slice(), [version, number, ..]
        if version.tag == INTEGER && version.content == [1] && number.tag == OCTETS && !number.content.is_empty())
}

/// The curve that a SEC1 key names.
pub(super) fn curve(key: &[u8]) -> Option<&[u8]> {
    let fields = all(only(SEQUENCE, key)?)?;
    fields.into_iter().find(|field| field.tag == ZEROTH).map(|field| field.content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for length in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let content = vec![7; length];
            let written = element(OCTETS, &content);
            let (read, rest) = first(&written).unwrap();
            assert_eq!((read.tag, read.content, read.whole), (OCTETS, content.as_slice(), written.as_slice()));
            assert!(rest.is_empty());
        }
        assert_eq!(element(OCTETS, &[1; 200])[..3], [OCTETS, 0x81, 200]);
    }

    #[test]
    fn what_is_cut_off_is_not_read() {
        for bytes in [&[0x30][..], &[0x30, 2, 0], &[0x30, 0x80], &[0x30, 0x85, 1, 1, 1, 1, 1], &[0x30, 0x82, 1]] {
            assert!(first(bytes).is_none(), "{bytes:?}");
        }
        assert!(only(OCTETS, &[OCTETS, 0, 0]).is_none());
    }
}
