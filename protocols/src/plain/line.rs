//! Lines of text: what FTP, HTTP, SSH and Telnet cut their dialogue into.

/// What stands at the front of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// A line without its end, and the octets it takes with it.
    Whole(&'a [u8], usize),
    /// No end yet.
    Open,
    /// No end within the octets that a line may have.
    TooLong,
}

/// The line at the front of `bytes`, ended by LF or CR LF, of at most `longest` octets with its end.
pub(crate) fn line(bytes: &[u8], longest: usize) -> Line<'_> {
    let searched = bytes.get(..longest).unwrap_or(bytes);
    match memchr::memchr(b'\n', searched) {
        Some(at) => {
            let text = searched.get(..at).unwrap_or_default();
            Line::Whole(text.strip_suffix(b"\r").unwrap_or(text), at + 1)
        }
        None if searched.len() == longest => Line::TooLong,
        None => Line::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_with_either_mark() {
        assert_eq!(line(b"USER x\r\nPASS", 80), Line::Whole(b"USER x", 8));
        assert_eq!(line(b"USER x\nPASS", 80), Line::Whole(b"USER x", 7));
        assert_eq!(line(b"USER x\r", 80), Line::Open);
        assert_eq!(line(b"USER x\r\n", 4), Line::TooLong);
    }
}
