//! The system under test: started and stopped, made ready, asked whether it is, counted before and after.

pub mod census;
pub mod docker;
pub mod guard;
pub mod launch;
pub mod own;
pub mod prepare;
pub mod ready;
pub mod verify;
