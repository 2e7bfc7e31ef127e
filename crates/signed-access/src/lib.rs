//! signed-access
