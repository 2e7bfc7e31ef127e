//! The largest object that fits into Lambda's answer, and one byte more: served, refused or handed off, never cut.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod deployed;

use deployed::{Deployment, HOST, genuine, now};
use portcullis_runtime_api::{Lambda, Outcome, RESPONSE_BYTES_MAX, UrlAnswer, function_url_event};
use portcullis_system::{Moto, SeaweedFs};

/// How much room a document may leave unused.
const ROOM_MAX: usize = 2_048;
/// The manifest's `expires` of a hand-off, in seconds.
const HAND_OFF_SECONDS: u64 = 300;

struct Shelf {
    deployment: Deployment,
    lambda: Lambda,
    bytes: Vec<u8>,
}

#[tokio::test]
async fn one_byte_decides_between_served_and_handed_off_and_no_byte_is_lost() {
    let (weed, moto) = (SeaweedFs::shared().unwrap(), Moto::shared().unwrap());
    let deployment = Deployment::new(weed, moto).await;
    let lambda = deployment.start(1).await;
    let bytes = (0..4_800_000_usize).map(|at| (at % 251).to_le_bytes()[0]);
    let shelf = Shelf {
        deployment,
        lambda,
        bytes: bytes.collect(),
    };
    for folder in ["everyone", "large"] {
        let largest = shelf.largest(folder).await;
        for (length, fits) in [
            (largest - 1, true),
            (largest, true),
            (largest + 1, false),
            (4_800_000, false),
        ] {
            assert_eq!(shelf.fits(folder, length).await, fits, "{length} bytes");
        }
        shelf.part_of_what_does_not_fit(folder).await;
        println!("large: {folder} serves up to {largest} bytes");
    }
}

impl Shelf {
    /// The length of the largest object that is served whole.
    async fn largest(&self, folder: &str) -> usize {
        let (mut fits, mut too_large) = (4_690_000_usize, 4_720_000);
        while too_large - fits > 1 {
            let middle = fits.midpoint(too_large);
            if self.fits(folder, middle).await {
                fits = middle;
            } else {
                too_large = middle;
            }
        }
        fits
    }

    /// Whether an object of `length` bytes is served; if not, it is refused or handed off as the folder's behavior says.
    async fn fits(&self, folder: &str, length: usize) -> bool {
        let name = format!("{folder}/film.bin");
        let bytes = &self.bytes[..length];
        self.deployment.put(&name, bytes.to_vec()).await;
        let request = genuine(&format!("/{name}"));
        let outcome = self
            .lambda
            .invoke(function_url_event(&request))
            .await
            .outcome;
        let Outcome::Buffered(document) = &outcome else {
            panic!("{length} bytes: {outcome:?}");
        };
        let answer = UrlAnswer::of(&outcome);
        match answer.status {
            200 => {
                assert!(answer.body == bytes, "{length} bytes: others came");
                assert!(document.len() <= RESPONSE_BYTES_MAX);
                true
            }
            413 if folder == "everyone" => {
                assert_eq!(answer.header("cache-control"), Some("no-store"));
                self.assert_no_room(length);
                false
            }
            307 if folder == "large" => {
                self.assert_handed_off(&answer);
                self.assert_no_room(length);
                false
            }
            status => panic!("{length} bytes in {folder}: {status}"),
        }
    }

    /// What is not served would not have fitted, but for a little room.
    fn assert_no_room(&self, length: usize) {
        let base64 = length.div_ceil(3) * 4;
        assert!(
            base64 > RESPONSE_BYTES_MAX - ROOM_MAX,
            "{length} bytes would fit"
        );
    }

    /// A signed URL of the site's own host, below the direct behavior, that is soon over and that nobody keeps.
    fn assert_handed_off(&self, answer: &UrlAnswer) {
        assert!(answer.body.len() < 200);
        assert_eq!(answer.header("cache-control"), Some("private, no-store"));
        let location = answer.header("location").unwrap();
        let (url, query) = location.split_once('?').unwrap();
        assert_eq!(url, format!("https://{HOST}/direct/large/film.bin"));
        let value = |name: &str| {
            let mut parameters = query.split('&').filter_map(|p| p.split_once('='));
            let found = parameters.find(|(known, _)| *known == name);
            found.unwrap_or_else(|| panic!("{name} in {query}")).1
        };
        assert_eq!(value("Key-Pair-Id"), self.deployment.keys.id());
        assert!(!value("Signature").is_empty());
        let left = value("Expires").parse::<u64>().unwrap() - now();
        assert!(
            (HAND_OFF_SECONDS - 10..=HAND_OFF_SECONDS).contains(&left),
            "{left} s"
        );
    }

    async fn part_of_what_does_not_fit(&self, folder: &str) {
        let request =
            genuine(&format!("/{folder}/film.bin")).with_header("range", "bytes=4799990-");
        let answer = deployed::ask(&self.lambda, &request).await;
        assert_eq!(answer.status, 206);
        assert_eq!(
            answer.header("content-range"),
            Some("bytes 4799990-4799999/4800000")
        );
        assert!(answer.body == self.bytes[4_799_990..]);
    }
}
