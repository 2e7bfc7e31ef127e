//! SeaweedFS: a real S3 server, the witness for ranges, conditions, versions and checksums.

use crate::ports::{Ports, SECOND_PORT_OFFSET};
use crate::server::{Server, StartError};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;

const KEY_BYTES: usize = 20;

/// A running S3 server with an empty store. Bucket names have at least three characters; address buckets by path.
#[derive(Debug)]
pub struct SeaweedFs {
    // Fields drop in this order: the server before its ports and its store.
    _server: Server,
    ports: Ports,
    _store: TempDir,
    access_key: String,
    secret_key: String,
}

impl SeaweedFs {
    /// Starts a server and waits until it answers.
    ///
    /// # Errors
    /// It is not installed, or does not come up within a minute.
    pub fn start() -> Result<Self, StartError> {
        let store = tempfile::tempdir().map_err(StartError::io("create a store"))?;
        let ports = Ports::take()?;
        let (access_key, secret_key) = (random_key()?, random_key()?);
        write_identities(&store.path().join("s3.json"), &access_key, &secret_key)?;
        let mut server = Server::start(
            "weed",
            &arguments(store.path(), ports.ports),
            store.path(),
            sockets(ports.ports),
        )?;
        let [.., s3] = ports.ports;
        server.wait_until_ready(s3, "/", answers_like_s3)?;
        Ok(Self {
            _server: server,
            ports,
            _store: store,
            access_key,
            secret_key,
        })
    }

    /// The server all tests of this process share, started at first use.
    ///
    /// # Errors
    /// As [`SeaweedFs::start`], told again at each use.
    pub fn shared() -> Result<&'static Self, &'static StartError> {
        static SHARED: OnceLock<Result<SeaweedFs, StartError>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref()
    }

    /// The endpoint, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        let [.., s3] = self.ports.ports;
        format!("http://127.0.0.1:{s3}")
    }

    /// The access key of the one identity, which may do everything.
    #[must_use]
    pub fn access_key(&self) -> &str {
        &self.access_key
    }

    /// The secret key of the one identity.
    #[must_use]
    pub fn secret_key(&self) -> &str {
        &self.secret_key
    }

    /// The variables that lead an AWS client here for S3 alone.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL_S3", self.endpoint()),
            ("AWS_ACCESS_KEY_ID", self.access_key.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.secret_key.clone()),
            ("AWS_REGION", "us-east-1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}

/// Everything off that is no S3: telemetry, Iceberg and Lance would take ports or the network, and a wait before stopping.
fn arguments(store: &Path, [master, volume, filer, s3]: [u16; 4]) -> Vec<OsString> {
    let path = |flag: &str, path: &Path| {
        let mut argument = OsString::from(flag);
        argument.push(path);
        argument
    };
    let mut arguments = vec![
        "server".into(),
        path("-dir=", store),
        path("-s3.config=", &store.join("s3.json")),
    ];
    arguments.extend([
        "-ip=127.0.0.1".into(),
        "-ip.bind=127.0.0.1".into(),
        format!("-master.port={master}").into(),
        format!("-volume.port={volume}").into(),
        "-filer".into(),
        format!("-filer.port={filer}").into(),
        path("-filer.localSocket=", &store.join("filer.sock")),
        "-s3".into(),
        format!("-s3.port={s3}").into(),
        path("-s3.localSocket=", &store.join("s3.sock")),
        "-master.telemetry=false".into(),
        "-s3.port.iceberg=0".into(),
        "-s3.port.lance=0".into(),
        "-volume.preStopSeconds=0".into(),
    ]);
    arguments
}

/// The sockets SeaweedFS makes beside its second ports, whose folder cannot be chosen.
fn sockets(ports: [u16; 4]) -> Vec<PathBuf> {
    let names = ["master", "volume", "filer", "s3"].into_iter().zip(ports);
    names
        .map(|(name, port)| {
            format!(
                "/tmp/seaweedfs-{name}-grpc-{}.sock",
                port + SECOND_PORT_OFFSET
            )
            .into()
        })
        .collect()
}

fn write_identities(path: &Path, access_key: &str, secret_key: &str) -> Result<(), StartError> {
    let identities = format!(
        r#"{{"identities":[{{"name":"test","credentials":[{{"accessKey":"{access_key}","secretKey":"{secret_key}"}}],"actions":["Admin","Read","Write","List","Tagging"]}}]}}"#
    );
    std::fs::write(path, identities).map_err(StartError::io("write the identities"))
}

fn random_key() -> Result<String, StartError> {
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| StartError::io("make a key")(std::io::Error::other(error.to_string())))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Without a signature the list of buckets is refused, in S3's XML; while it starts, the server answers otherwise or not at all.
fn answers_like_s3(answer: &str) -> bool {
    answer.contains("<Error>") && answer.contains("AccessDenied")
        || answer.contains("ListAllMyBucketsResult")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::request;

    #[test]
    fn two_servers_run_side_by_side_and_answer_in_s3s_xml() {
        let (one, two) = (SeaweedFs::start().unwrap(), SeaweedFs::start().unwrap());
        assert_ne!(one.endpoint(), two.endpoint());
        assert_ne!(one.secret_key(), two.secret_key());
        for server in [&one, &two] {
            let [.., s3] = server.ports.ports;
            let answer = request(s3, "GET", "/").unwrap();
            assert!(answers_like_s3(&answer), "{answer}");
        }
    }

    #[test]
    fn the_shared_server_is_one() {
        let endpoint = SeaweedFs::shared().unwrap().endpoint();
        assert_eq!(SeaweedFs::shared().unwrap().endpoint(), endpoint);
    }
}
