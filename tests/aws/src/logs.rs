//! Collects what the SDK and its HTTP client log, for the thread that asks.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex, Once};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, Interest};
use tracing::{Event, Level, Metadata, Subscriber};

/// As JSON has it.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// What was logged since [`Logs::collect`]; collecting stops when this is dropped.
#[derive(Debug)]
pub struct Logs {
    text: Arc<Mutex<String>>,
    _guard: DefaultGuard,
}

impl Logs {
    /// From here on everything that this thread logs, down to `level`.
    pub fn collect(level: Level) -> Self {
        // Else what a test without a collector logs first is taken for what nobody ever asks for.
        static ASKED: Once = Once::new();
        ASKED.call_once(|| {
            let _others_may_be_first = tracing::subscriber::set_global_default(Nobody);
        });
        let text = Arc::new(Mutex::new(String::new()));
        let guard = tracing::subscriber::set_default(Collector { level, text: text.clone() });
        Self { text, _guard: guard }
    }

    /// All of it.
    pub fn text(&self) -> String {
        self.text.lock().expect("no test panics while it logs").clone()
    }

    /// Whether `key` stands there in one of the forms in which bytes get printed.
    pub fn show(&self, key: &[u8]) -> bool {
        let text = self.text();
        let list = format!("{key:?}");
        let forms = [
            hex::encode(key),
            // Without what the bytes that follow decide.
            STANDARD.encode(key)[..key.len() * 8 / 6].to_owned(),
            list.trim_matches(['[', ']']).to_owned(),
            key.escape_ascii().to_string(),
        ];
        forms.iter().any(|form| text.contains(form))
    }
}

/// Takes nothing, and has each place that logs ask again: the collector of a thread may want it.
struct Nobody;

impl Subscriber for Nobody {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Collector {
    level: Level,
    text: Arc<Mutex<String>>,
}

impl Collector {
    fn line(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut Fields)) {
        let mut fields =
            Fields(format!("{} {} {}", metadata.level(), metadata.target(), metadata.name()));
        record(&mut fields);
        fields.0.push('\n');
        self.text.lock().expect("no test panics while it logs").push_str(&fields.0);
    }
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.line(span.metadata(), |fields| span.record(fields));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut fields = Fields("span".into());
        values.record(&mut fields);
        self.text.lock().expect("no test panics while it logs").push_str(&fields.0);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.line(event.metadata(), |fields| event.record(fields));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}
