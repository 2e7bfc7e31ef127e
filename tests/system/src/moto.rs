//! moto: DynamoDB, Secrets Manager, EC2 prefix lists and CloudFront's control plane, in memory.

use crate::ports::Ports;
use crate::server::{Server, StartError, request};
use std::sync::OnceLock;
use tempfile::TempDir;

/// A running moto server with nothing in it.
#[derive(Debug)]
pub struct Moto {
    // Fields drop in this order: the server before its ports and its log.
    _server: Server,
    ports: Ports,
    _folder: TempDir,
}

impl Moto {
    /// Starts a server and waits until it answers.
    ///
    /// # Errors
    /// It is not installed, or does not come up within a minute.
    pub fn start() -> Result<Self, StartError> {
        let folder = tempfile::tempdir().map_err(StartError::io("create a folder"))?;
        let ports = Ports::take()?;
        let [port, ..] = ports.ports;
        let arguments = ["-H", "127.0.0.1", "-p", &port.to_string()].map(Into::into);
        let mut server = Server::start("moto_server", &arguments, folder.path(), Vec::new())?;
        server.wait_until_ready(port, "/moto-api/data.json", is_ok)?;
        Ok(Self {
            _server: server,
            ports,
            _folder: folder,
        })
    }

    /// The server all tests of this process share, started at first use.
    ///
    /// # Errors
    /// As [`Moto::start`], told again at each use.
    pub fn shared() -> Result<&'static Self, &'static StartError> {
        static SHARED: OnceLock<Result<Moto, StartError>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref()
    }

    /// The endpoint of every service, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// Forgets everything.
    ///
    /// # Errors
    /// The server does not answer, or refuses.
    pub fn reset(&self) -> std::io::Result<()> {
        let answer = request(self.port(), "POST", "/moto-api/reset")?;
        if is_ok(&answer) {
            Ok(())
        } else {
            Err(std::io::Error::other(answer))
        }
    }

    /// The variables that lead an AWS client here for every service.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL", self.endpoint()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    fn port(&self) -> u16 {
        let [port, ..] = self.ports.ports;
        port
    }
}

fn is_ok(answer: &str) -> bool {
    answer.starts_with("HTTP/1.1 200 ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_answers_in_s3s_xml_and_forgets_when_told() {
        let moto = Moto::start().unwrap();
        let buckets = || request(moto.port(), "GET", "/").unwrap();
        assert!(
            buckets().contains("ListAllMyBucketsResult"),
            "{}",
            buckets()
        );
        let made = request(moto.port(), "PUT", "/a-bucket").unwrap();
        assert!(
            is_ok(&made) && buckets().contains("<Name>a-bucket</Name>"),
            "{made}"
        );
        moto.reset().unwrap();
        assert!(!buckets().contains("a-bucket"), "{}", buckets());
    }
}
