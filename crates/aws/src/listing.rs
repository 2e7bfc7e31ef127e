//! Objects for people's machines: listed by prefix and fetched part by part. No function lists a bucket.

use crate::clients::Clients;
use crate::failure::Failure;

/// Why a bucket cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// S3 lets nobody in with these credentials.
    #[error("access is denied: {0}")]
    Denied(String),
    /// S3 does not answer, or says what makes no sense.
    #[error("S3 does not answer: {0}")]
    Unavailable(String),
    /// There are more objects than are taken.
    #[error("there are more than {0} objects")]
    TooMany(usize),
    /// Whoever takes the bytes does not take them.
    #[error("{0}")]
    Taken(String),
}

impl From<Failure> for ListingError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Denied(why) => Self::Denied(why),
            Failure::TimedOut => Self::Unavailable("it took too long".to_owned()),
            Failure::Throttled(why) | Failure::Unavailable(why) | Failure::Malformed(why) => {
                Self::Unavailable(why)
            }
        }
    }
}

impl Clients {
    /// The keys in a bucket that begin with `prefix`, in the order of S3, at most `keys_max`.
    ///
    /// # Errors
    /// [`ListingError`]
    pub async fn keys(
        &self,
        bucket: &str,
        prefix: &str,
        keys_max: usize,
    ) -> Result<Vec<String>, ListingError> {
        let list = self.s3().list_objects_v2().bucket(bucket).prefix(prefix);
        let mut pages = list.into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|why| Failure::of("s3:ListBucket", &why))?;
            keys.extend(
                page.contents()
                    .iter()
                    .filter_map(|one| one.key().map(str::to_owned)),
            );
            if keys.len() > keys_max {
                return Err(ListingError::TooMany(keys_max));
            }
        }
        Ok(keys)
    }

    /// Gives the bytes of an object to `take`, part by part.
    ///
    /// # Errors
    /// [`ListingError`]
    pub async fn fetch(
        &self,
        bucket: &str,
        key: &str,
        mut take: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), ListingError> {
        let asked = self.s3().get_object().bucket(bucket).key(key).send().await;
        let mut body = asked.map_err(|why| Failure::of("s3:GetObject", &why))?.body;
        while let Some(part) = body.next().await {
            let part = part.map_err(|why| ListingError::Unavailable(why.to_string()))?;
            take(&part).map_err(|why| ListingError::Taken(why.to_string()))?;
        }
        Ok(())
    }
}
