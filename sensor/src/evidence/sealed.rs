//! A file whose digest is taken while it is written.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
};

use fieldwarden_model::digest::Octets;

use super::slice::{Slice, SliceError};

/// Octets between two marks: so closely can be told where a slice was changed.
pub const MARK_EVERY: u64 = 64 * 1024;

/// A file whose digest is taken while it is written, and which goes when it is not finished.
pub(super) struct Sealed {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    digest: Octets,
    marks: Vec<String>,
    octets: u64,
}

impl Sealed {
    pub(super) fn create(path: PathBuf) -> Result<Self, SliceError> {
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => Ok(Self {
                path,
                file: Some(BufWriter::new(file)),
                digest: Octets::new(),
                marks: Vec::new(),
                octets: 0,
            }),
            Err(cause) => Err(SliceError::Write { path, cause }),
        }
    }

    pub(super) fn write(&mut self, mut octets: &[u8]) -> Result<(), SliceError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.write_all(octets).map_err(|cause| SliceError::Write { path: self.path.clone(), cause })?;
        loop {
            let room = MARK_EVERY - self.octets % MARK_EVERY;
            let here = usize::try_from(room).unwrap_or(usize::MAX).min(octets.len());
            let (now, rest) = octets.split_at(here);
            self.digest.add(now);
            self.octets += now.len() as u64;
            if now.is_empty() {
                return Ok(());
            }
            if self.octets.is_multiple_of(MARK_EVERY) {
                let mut mark = self.digest.so_far();
                mark.truncate(16);
                self.marks.push(mark);
            }
            octets = rest;
        }
    }

    pub(super) fn finish(mut self, slice: &mut Slice) -> Result<(), SliceError> {
        let written = match self.file.take() {
            Some(file) => {
                file.into_inner().map_err(io::IntoInnerError::into_error).and_then(|f| f.sync_all())
            }
            None => Ok(()),
        };
        if let Err(cause) = written {
            let _ = std::fs::remove_file(&self.path);
            return Err(SliceError::Write { path: self.path.clone(), cause });
        }
        slice.octets = self.octets;
        slice.sha256 = self.digest.so_far();
        slice.marks = std::mem::take(&mut self.marks);
        Ok(())
    }
}

impl Drop for Sealed {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // Half a slice proves nothing.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
