//! Bytes to messages: link layers and fieldbus dissectors as total functions.
