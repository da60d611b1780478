//! Every layer below the application.
