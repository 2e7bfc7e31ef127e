//! The manifest of one release: which public path is which object.
