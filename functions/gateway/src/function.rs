//! One event from its bytes to its payload: decode, ask the gateway, write the line, encode.
//!
//! Always holds: every event gets an answer; a foreign or malformed one is refused on the way every unproven request is,
//! so it is logged, sampled and counted like one. The id the viewer sees is random and our own; Lambda's stays in the log.

use crate::answer::{Mode, Payload, document_bytes_max};
use crate::event::{self, AnswerForm, Decoded, Unreadable};
use crate::log::Log;
use crate::runtime::{Function, Invocation};
use crate::{emf, log};
use portcullis_origin::clock::Clock;
use portcullis_origin::handle::{Answer, Gateway};
use portcullis_origin::record::Verdict;
use portcullis_origin::serve::{Budget, Carriage, Ports, plain};
use portcullis_origin::state::StateStore;
use std::time::Duration;

/// The time that is kept for sending an answer before Lambda's limit or CloudFront's patience ends.
const TIME_FOR_SENDING: Duration = Duration::from_millis(500);

/// The longest time an answer may take: CloudFront waits 30 s for an origin unless it is told otherwise.
const TIME_MAX: Duration = Duration::from_secs(29);

/// The gateway of one site behind Lambda.
#[derive(Debug)]
pub struct GatewayFunction<P, S, C, L> {
    gateway: Gateway<P, S, C>,
    mode: Mode,
    log: L,
}

impl<P: Ports, S: StateStore, C: Clock + Clone, L: Log> GatewayFunction<P, S, C, L> {
    /// The function that answers with `gateway`, in the mode of the function's URL.
    pub fn new(gateway: Gateway<P, S, C>, mode: Mode, log: L) -> Self {
        Self { gateway, mode, log }
    }

    /// The gateway.
    pub fn gateway(&self) -> &Gateway<P, S, C> {
        &self.gateway
    }

    fn budget(&self, form: AnswerForm, time_left: Duration, id: &RequestId) -> Budget {
        Budget {
            carriage: Carriage::Envelope {
                bytes: document_bytes_max(form),
                streams: self.mode == Mode::Streamed && form == AnswerForm::Url,
            },
            time: time_left.saturating_sub(TIME_FOR_SENDING).min(TIME_MAX),
            jitter: id.jitter(),
        }
    }

    /// Writes the line of an answer, if it has one.
    fn record(&self, answer: &Answer<'_>, request_id: &str) {
        if let Some(record) = &answer.record {
            let database_age = self.gateway.judge().countries().age(record.time);
            self.log.line(emf::line(record, request_id, database_age));
        }
    }
}

impl<P, S, C, L> Function for GatewayFunction<P, S, C, L>
where
    P: Ports + 'static,
    S: StateStore + 'static,
    C: Clock + Clone + 'static,
    L: Log,
{
    async fn invoke(&self, invocation: Invocation) -> Payload {
        let Invocation {
            request_id,
            time_left,
            event,
        } = invocation;
        let id = RequestId::random();
        let secret_name = &self.gateway.judge().site().guard.secret_header.name;
        let decoded = event::decode(&event, secret_name);
        let form = decoded.as_ref().map_or(AnswerForm::Url, Decoded::form);
        let budget = self.budget(form, time_left, &id);
        let answer = match &decoded {
            Ok(decoded) => {
                let cookies = decoded.cookies();
                let request = decoded.request(id.as_str(), &cookies);
                let answer = self.gateway.handle(&request, &budget).await;
                self.record(&answer, &request_id);
                answer.response
            }
            Err(unreadable) => {
                let request = event::foreign(id.as_str());
                let answer = self.gateway.handle(&request, &budget).await;
                let answer = refused(answer, *unreadable);
                self.record(&answer, &request_id);
                answer.response
            }
        };
        Payload::of(answer, form, self.mode)
    }
}

/// The refusal of an event that is no request; what is malformed says so.
fn refused(mut answer: Answer<'_>, unreadable: Unreadable) -> Answer<'_> {
    if unreadable == Unreadable::Malformed {
        answer.response = plain(400, "The event is not readable.\n");
        if let Some(record) = &mut answer.record {
            record.verdict = Verdict::Rejected;
            record.reason = "malformed-event";
            record.status = answer.response.status;
        }
    }
    answer
}

/// Our own id of one request: 128 random bits in hexadecimal digits, which say nothing about the request or about Lambda.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId {
    text: String,
    jitter: u16,
}

impl RequestId {
    /// A new id. It is all zeros where the system has no randomness, which a line then shows.
    #[must_use]
    pub fn random() -> Self {
        let mut bits = [0; 16];
        if getrandom::fill(&mut bits).is_err() {
            log::trouble("the system gives no random numbers");
        }
        let number = u128::from_be_bytes(bits);
        Self {
            text: format!("{number:032x}"),
            jitter: u16::try_from(number % 1_001).unwrap_or_default(),
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// A number from 0 to 1,000.
    fn jitter(&self) -> u16 {
        self.jitter
    }
}
