//! The system under test: started and stopped, made ready, asked whether it is, counted before and after.

pub mod census;
pub mod launch;
pub mod prepare;
pub mod ready;
pub mod verify;
