//! Frames in: live capture, capture files, recordings.
