//! The system under test: started and stopped, and asked whether it is ready.

pub mod launch;
pub mod ready;
