//! Compressed captures, known by how they start.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use zstd::stream::read::Decoder;

/// RFC 1952, 2.3.1.
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
/// RFC 8878, 3.1.1.
const ZSTD_MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// The largest zstd window accepted, as a power of two: 128 MiB, what `zstd --ultra -22` writes. Its usual levels take
/// 8 MiB at most; memory is taken as the file demands it.
const MAX_ZSTD_WINDOW_LOG: u32 = 27;

/// The stream itself, or what it expands to. Several gzip members or zstd frames are read as one.
pub(crate) fn expand(mut reader: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let mut start = Vec::with_capacity(ZSTD_MAGIC.len());
    reader.by_ref().take(ZSTD_MAGIC.len() as u64).read_to_end(&mut start)?;
    let is_gzip = start.starts_with(GZIP_MAGIC);
    let is_zstd = start.starts_with(ZSTD_MAGIC);
    let whole = io::Cursor::new(start).chain(reader);
    if is_gzip {
        return Ok(Box::new(MultiGzDecoder::new(whole)));
    }
    if is_zstd {
        let mut decoder = Decoder::new(whole)?;
        decoder.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
        return Ok(Box::new(decoder));
    }
    Ok(Box::new(whole))
}
