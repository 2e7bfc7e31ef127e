//! The rotation of the secret header, step by step: each takes the secrets as they are and gives them as they are next.
//!
//! Always holds: a value that CloudFront may be sending is accepted, before and after every step; a step that was done is done
//! again without a change; no step forgets a value that another step waits for.

use super::{SecretDigest, Secrets};

/// Why a step is not the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    /// Another value is being rotated in.
    #[error("another value is pending")]
    AnotherPending,
    /// The value that was sent before is still accepted.
    #[error("the value before the current one is still accepted")]
    PreviousAccepted,
    /// No value is being rotated in.
    #[error("no value is pending")]
    NothingPending,
    /// It is the value that is to be retired.
    #[error("this is the value before the current one")]
    Retiring,
}

impl Secrets {
    /// Accepts a value that CloudFront is about to send; the first one is what it sends. `None` where it is accepted already.
    ///
    /// # Errors
    /// [`NotNow`]
    pub fn accept(&self, value: &SecretDigest) -> Result<Option<Self>, NotNow> {
        let is = |slot: &Option<SecretDigest>| slot.as_ref() == Some(value);
        if is(&self.pending) || is(&self.current) {
            return Ok(None);
        }
        if is(&self.previous) {
            return Err(NotNow::Retiring);
        }
        match (&self.pending, &self.current) {
            (Some(_), _) => Err(NotNow::AnotherPending),
            (None, None) => Ok(Some(Self {
                current: Some(*value),
                ..self.next()
            })),
            (None, Some(_)) => Ok(Some(Self {
                pending: Some(*value),
                ..self.next()
            })),
        }
    }

    /// CloudFront sends the pending value everywhere: it is the current one, and the one before is still accepted.
    ///
    /// # Errors
    /// [`NotNow`]
    pub fn promote(&self) -> Result<Self, NotNow> {
        match (&self.pending, &self.previous) {
            (None, _) => Err(NotNow::NothingPending),
            (Some(_), Some(_)) => Err(NotNow::PreviousAccepted),
            (Some(pending), None) => Ok(Self {
                pending: None,
                current: Some(*pending),
                previous: self.current,
                ..self.next()
            }),
        }
    }

    /// Nobody sends the value before the current one any more. `None` where there is none.
    #[must_use]
    pub fn retire(&self) -> Option<Self> {
        self.previous.as_ref()?;
        Some(Self {
            previous: None,
            ..self.next()
        })
    }

    fn next(&self) -> Self {
        Self {
            version: self.version + 1,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NotNow, SecretDigest, Secrets};
    use std::collections::BTreeSet;

    fn value(name: &str) -> SecretDigest {
        SecretDigest::of(name.as_bytes())
    }

    #[test]
    fn a_rotation_goes_step_by_step() {
        let first = Secrets::default().accept(&value("a")).unwrap().unwrap();
        assert_eq!((&first.current, first.version), (&Some(value("a")), 1));
        assert_eq!(first.accept(&value("a")), Ok(None));
        assert_eq!(first.promote(), Err(NotNow::NothingPending));
        let both = first.accept(&value("b")).unwrap().unwrap();
        assert_eq!(both.accept(&value("c")), Err(NotNow::AnotherPending));
        let promoted = both.promote().unwrap();
        assert_eq!(promoted.current, Some(value("b")));
        assert_eq!(promoted.previous, Some(value("a")));
        assert_eq!(promoted.accept(&value("a")), Err(NotNow::Retiring));
        let again = promoted.accept(&value("c")).unwrap().unwrap();
        assert_eq!(again.promote(), Err(NotNow::PreviousAccepted));
        let retired = promoted.retire().unwrap();
        assert_eq!((retired.previous, retired.version), (None, 4));
        assert_eq!(retired.retire(), None);
    }

    fn accepted(secrets: &Secrets) -> BTreeSet<String> {
        let slots = [&secrets.pending, &secrets.current, &secrets.previous];
        slots
            .into_iter()
            .flatten()
            .map(|digest| format!("{:?}", digest.as_bytes()))
            .collect()
    }

    /// Every state that three values and five steps lead to: no step but `retire` forgets a value, and `retire` forgets only
    /// the one before the current.
    #[test]
    fn no_step_forgets_what_another_waits_for() {
        let mut reached = vec![Secrets::default()];
        let mut at = 0;
        while at < reached.len() {
            let secrets = reached[at].clone();
            at += 1;
            let values = ["a", "b", "c"].map(value);
            let accepted_next = values
                .iter()
                .filter_map(|one| secrets.accept(one).ok().flatten());
            let kept = accepted_next.chain(secrets.promote().ok());
            for next in kept {
                assert!(
                    accepted(&secrets).is_subset(&accepted(&next)),
                    "{secrets:?} {next:?}"
                );
                assert_eq!(next.version, secrets.version + 1);
                if next.version < 6 {
                    reached.push(next);
                }
            }
            if let Some(next) = secrets.retire() {
                assert_eq!(next.current, secrets.current);
                assert_eq!(next.pending, secrets.pending);
                if next.version < 6 {
                    reached.push(next);
                }
            }
        }
        assert_eq!(reached.len(), 46, "the states that were looked at");
    }
}
