//! Files: results, journal, manifest. Nothing is ever overwritten, and what is written is synced.

pub mod journal;
pub mod manifest;
pub mod numbers;
pub mod reading;
pub mod result_file;
pub mod run_dir;
