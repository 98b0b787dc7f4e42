//! A server that answers what a test tells it to, byte for byte, with or without TLS: for what neither
//! a real Grafana nor the stand-in does on demand.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The header lines.
    pub headers: Vec<String>,
}

/// A running server.
pub struct Scripted {
    /// Its port on 127.0.0.1.
    pub port: u16,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Scripted {
    /// Starts one; `answer` gives status line, headers and body for each request, or `None` for what a
    /// quiet Grafana without folders would answer.
    pub fn start(
        tls: Option<Arc<ServerConfig>>,
        answer: impl Fn(&Request) -> Option<String> + Send + Sync + 'static,
    ) -> Scripted {
        Scripted::on(TcpListener::bind("127.0.0.1:0").expect("a loopback port is free"), tls, answer)
    }

    /// The same on a port that the test chose.
    pub fn on(
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        answer: impl Fn(&Request) -> Option<String> + Send + Sync + 'static,
    ) -> Scripted {
        let port = listener.local_addr().expect("it is bound").port();
        let seen: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (shared, answer) = (seen.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, answer, tls) = (shared.clone(), answer.clone(), tls.clone());
                std::thread::spawn(move || match tls {
                    None => serve(stream, &shared, &*answer),
                    Some(config) => {
                        let connection = ServerConnection::new(config).expect("the configuration is good");
                        serve(StreamOwned::new(connection, stream), &shared, &*answer);
                    }
                });
            }
        });
        Scripted { port, seen }
    }

    /// How many of them had that method.
    pub fn count(&self, method: &str) -> usize {
        self.seen().iter().filter(|request| request.method == method).count()
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Request> {
        self.seen.lock().expect("no test panics while holding it").clone()
    }
}

/// No answer at all: the connection is closed.
pub fn silence() -> Option<String> {
    Some(String::new())
}

/// An answer with that status, and headers, each with `\r\n` behind it.
pub fn reply(status: &str, headers: &str, body: &str) -> Option<String> {
    Some(format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()))
}

fn serve(
    mut stream: impl Read + Write,
    seen: &Mutex<Vec<Request>>,
    answer: &(impl Fn(&Request) -> Option<String> + ?Sized),
) {
    let mut request = Request::default();
    let mut reader = BufReader::new(&mut stream);
    let mut line = String::new();
    if reader.read_line(&mut line).is_err() || line.is_empty() {
        return;
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    request.method = words.next().unwrap_or_default();
    request.path = words.next().unwrap_or_default();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).is_err() || line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        request.headers.push(line.trim().to_owned());
    }
    let mut body = vec![0; length];
    let _ = reader.read_exact(&mut body);
    drop(reader);
    seen.lock().expect("no test panics while holding it").push(request.clone());
    let text = answer(&request).unwrap_or_else(|| quiet(&request));
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}

/// What a Grafana without any folder answers.
fn quiet(request: &Request) -> String {
    let path = request.path.split('?').next().unwrap_or_default();
    let body = if path.ends_with("/api/user") {
        r#"{"id":1,"uid":"u1","login":"admin","orgId":1,"isGrafanaAdmin":true}"#
    } else if path.ends_with("/api/health") {
        r#"{"database":"ok","version":"12.4.0"}"#
    } else if path.contains("/folder.grafana.app/") {
        r#"{"kind":"FolderList","metadata":{},"items":[]}"#
    } else {
        return reply("404 Not Found", "", r#"{"message":"Not found"}"#).unwrap_or_default();
    };
    reply("200 OK", "Content-Type: application/json\r\n", body).unwrap_or_default()
}
