//! A TCP proxy before a store, which does to the answers of a store what networks and dying servers do.
//!
//! A fault is decided on when a request begins, also on a connection that is kept, and ends the connection.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// What happens to a request.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The connection ends instead of an answer.
    Refuse,
    /// Nothing ever comes.
    Never,
    /// These bytes come instead of the answer.
    Answer(&'static [u8]),
    /// The answer ends after so many bytes of its body.
    Cut(usize),
    /// Nothing more comes after so many bytes of the body.
    Stall(usize),
    /// The bits of the byte at this offset of the body are turned.
    Corrupt(usize),
    /// Each piece of the answer comes that much later.
    Slow(Duration),
}

/// Pieces in which a faulty answer is passed on.
const PIECE_BYTES: usize = 16 * 1024;
const HEAD_END: &[u8] = b"\r\n\r\n";
/// How long a connection is held on which nothing more comes: longer than any client's patience.
const HELD: Duration = Duration::from_secs(60);

/// The fault of the next requests, and how many of them have it.
type Plan = Arc<Mutex<Planned>>;

#[derive(Default)]
struct Planned {
    next: Option<(Fault, usize)>,
    /// Requests so far.
    seen: usize,
}

/// A proxy on a port of its own.
pub struct Proxy {
    address: SocketAddr,
    plan: Plan,
    task: AbortHandle,
}

impl Proxy {
    /// A proxy before the server at `endpoint`, `http://HOST:PORT`, without faults.
    pub async fn before(endpoint: &str) -> Self {
        let upstream: SocketAddr = endpoint.strip_prefix("http://").unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let plan = Plan::default();
        let accepting = accept(listener, upstream, Arc::clone(&plan));
        Self {
            address,
            plan,
            task: tokio::spawn(accepting).abort_handle(),
        }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on every request has `fault`.
    pub fn every(&self, fault: Fault) {
        self.next(fault, usize::MAX);
    }

    /// The next `count` requests have `fault`.
    pub fn next(&self, fault: Fault, count: usize) {
        self.plan.lock().unwrap().next = Some((fault, count));
    }

    /// From now on no request has a fault.
    pub fn heal(&self) {
        self.plan.lock().unwrap().next = None;
    }

    /// How many requests came so far.
    pub fn seen(&self) -> usize {
        self.plan.lock().unwrap().seen
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn take(plan: &Plan) -> Option<Fault> {
    let mut plan = plan.lock().unwrap();
    plan.seen += 1;
    let (fault, count) = plan.next?;
    plan.next = (count > 1).then(|| (fault, count - 1));
    Some(fault)
}

async fn accept(listener: TcpListener, upstream: SocketAddr, plan: Plan) {
    while let Ok((client, _)) = listener.accept().await {
        let plan = Arc::clone(&plan);
        // A connection that breaks is what this is for.
        tokio::spawn(async move { drop(connection(client, upstream, plan).await) });
    }
}

async fn connection(
    mut client: TcpStream,
    upstream: SocketAddr,
    plan: Plan,
) -> std::io::Result<()> {
    let mut server = TcpStream::connect(upstream).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut asked, mut answered) = ([0; PIECE_BYTES], [0; PIECE_BYTES]);
    let mut begins = true;
    let mut faulty = None;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let request = &asked[..read?];
                if request.is_empty() {
                    return Ok(());
                }
                if begins {
                    faulty = take(&plan).map(Faulty::new);
                }
                begins = false;
                match faulty.as_ref().map(|faulty| faulty.fault) {
                    Some(Fault::Refuse) => return Ok(()),
                    Some(Fault::Answer(bytes)) => {
                        client.write_all(bytes).await?;
                        return client.shutdown().await;
                    }
                    Some(Fault::Never) => return hold().await,
                    _ => server.write_all(request).await?,
                }
            }
            read = server.read(&mut answered) => {
                let answer = &mut answered[..read?];
                if answer.is_empty() {
                    return Ok(());
                }
                begins = true;
                match &mut faulty {
                    None => client.write_all(answer).await?,
                    Some(faulty) => match faulty.pass(answer, &mut client).await? {
                        Then::GoOn => {}
                        Then::End => return client.shutdown().await,
                        Then::Hold => return hold().await,
                    },
                }
            }
        }
    }
}

async fn hold() -> std::io::Result<()> {
    tokio::time::sleep(HELD).await;
    Ok(())
}

/// What follows a piece of an answer.
enum Then {
    GoOn,
    End,
    Hold,
}

/// An answer with a fault on its way.
struct Faulty {
    fault: Fault,
    /// Of the head, what came so far; `None` once it is over.
    head: Option<Vec<u8>>,
    /// How much of the body is passed on.
    passed: usize,
}

impl Faulty {
    fn new(fault: Fault) -> Self {
        Self {
            fault,
            head: Some(Vec::new()),
            passed: 0,
        }
    }

    async fn pass(&mut self, piece: &mut [u8], client: &mut TcpStream) -> std::io::Result<Then> {
        let body = match &mut self.head {
            None => piece,
            Some(head) => {
                let known = head.len();
                head.extend_from_slice(piece);
                let end = head.windows(4).position(|four| four == HEAD_END);
                let begin = end.map_or(head.len(), |end| end + 4) - known;
                if end.is_some() {
                    self.head = None;
                }
                let (head, body) = piece.split_at_mut(begin);
                client.write_all(head).await?;
                if self.head.is_some() {
                    return Ok(Then::GoOn);
                }
                body
            }
        };
        let first = self.passed;
        let room = match self.fault {
            Fault::Cut(after) | Fault::Stall(after) => body.len().min(after - first),
            _ => body.len(),
        };
        if let Fault::Slow(pause) = self.fault {
            tokio::time::sleep(pause).await;
        }
        if let Fault::Corrupt(at) = self.fault
            && let Some(byte) = at.checked_sub(first).and_then(|at| body.get_mut(at))
        {
            *byte = !*byte;
        }
        client.write_all(&body[..room]).await?;
        self.passed += room;
        Ok(match self.fault {
            Fault::Cut(after) if self.passed == after => Then::End,
            Fault::Stall(after) if self.passed == after => Then::Hold,
            _ => Then::GoOn,
        })
    }
}
