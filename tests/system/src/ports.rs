//! Ports for a server that cannot choose its own: a block nobody else has, on this machine and for as long as it is held.
//!
//! SeaweedFS also takes each port plus 10,000. Both ranges lie below the ephemeral ports of Linux, so no outgoing connection
//! takes one of them by accident.

use crate::server::StartError;
use std::fs::File;
use std::net::TcpListener;

/// The first port of the first block.
const FIRST: u16 = 12_000;
/// How far above its own SeaweedFS takes a second port.
pub(crate) const SECOND_PORT_OFFSET: u16 = 10_000;
const PORTS_PER_BLOCK: u16 = 4;
const BLOCKS: u16 = 500;

/// Four ports, free when they were taken, and reserved among tests until this is dropped.
#[derive(Debug)]
pub(crate) struct Ports {
    pub(crate) ports: [u16; PORTS_PER_BLOCK as usize],
    /// The system releases the lock with the file, however the process ends.
    _lock: File,
}

impl Ports {
    pub(crate) fn take() -> Result<Self, StartError> {
        let folder = std::env::temp_dir().join("portcullis-test-ports");
        std::fs::create_dir_all(&folder)
            .map_err(StartError::io("create the folder of port locks"))?;
        // Tests that start together begin their search apart.
        let start = u16::try_from(std::process::id() % u32::from(BLOCKS)).unwrap_or(0);
        for block in (start..BLOCKS).chain(0..start) {
            let lock = File::create(folder.join(block.to_string()))
                .map_err(StartError::io("create a port lock"))?;
            let first = FIRST + block * PORTS_PER_BLOCK;
            let ports = [first, first + 1, first + 2, first + 3];
            if lock.try_lock().is_ok()
                && ports
                    .into_iter()
                    .all(|port| is_free(port) && is_free(port + SECOND_PORT_OFFSET))
            {
                return Ok(Self { ports, _lock: lock });
            }
        }
        Err(StartError::NoPorts)
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_blocks_share_no_port_while_both_are_held() {
        let (one, two) = (Ports::take().unwrap(), Ports::take().unwrap());
        assert!(
            one.ports.iter().all(|port| !two.ports.contains(port)),
            "{one:?} {two:?}"
        );
    }

    #[test]
    fn a_block_with_a_taken_port_is_passed_over() {
        let first = Ports::take().unwrap();
        let [port, ..] = first.ports;
        let _taken = TcpListener::bind(("127.0.0.1", port + SECOND_PORT_OFFSET)).unwrap();
        drop(first);
        assert!(!Ports::take().unwrap().ports.contains(&port));
    }
}
