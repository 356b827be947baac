//! The system under test: started and stopped, and asked whether it is ready.

pub mod docker;
pub mod guard;
pub mod launch;
pub mod own;
pub mod ready;
