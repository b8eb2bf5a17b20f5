//! One call of the command that works on a store.

use encrypted_field::KeyId;
use encrypted_field::envelope::KeyManager;

use crate::args::{Change, Common};
use crate::backends::Backends;
use crate::config::{self, Config};
use crate::confirm::confirmed;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output::plain;

/// The configuration, what it names, and who asks.
pub(crate) struct Session<'s, 'c> {
    pub(crate) context: &'s mut Context<'c>,
    pub(crate) config: Config,
    pub(crate) backends: Backends,
    /// Notes who makes a change, and why.
    pub(crate) keys: KeyManager,
}

impl<'s, 'c> Session<'s, 'c> {
    /// To look at the store.
    pub(crate) async fn to_read(common: &Common, context: &'s mut Context<'c>) -> Result<Self> {
        Self::open(common, &Change::default(), None, context).await
    }

    /// To change the store.
    pub(crate) async fn to_change(
        common: &Common,
        change: &Change,
        context: &'s mut Context<'c>,
    ) -> Result<Self> {
        Self::open(common, change, None, context).await
    }

    /// To make the store.
    pub(crate) async fn to_create(
        common: &Common,
        change: &Change,
        first_key_id: Option<KeyId>,
        context: &'s mut Context<'c>,
    ) -> Result<Self> {
        Self::open(common, change, first_key_id, context).await
    }

    async fn open(
        common: &Common,
        change: &Change,
        first_key_id: Option<KeyId>,
        context: &'s mut Context<'c>,
    ) -> Result<Self> {
        let config = config::read(context, common.config.as_deref())?;
        let mut backends = Backends::open(&config, context, change.dry_run).await?;
        if change.dry_run {
            writeln!(
                context.errors,
                "dry run: nothing is written; key services are asked as usual"
            )?;
        }
        let by =
            change.by.clone().or_else(|| config.changed_by.clone()).unwrap_or_else(|| me(context));
        let keys = backends.manager(&config, context, first_key_id).await?;
        let keys = keys.noting(&by, change.reason.as_deref().unwrap_or_default());
        Ok(Self { context, config, backends, keys })
    }

    pub(crate) fn is_dry_run(&self) -> bool {
        self.backends.plan.is_some()
    }

    /// What can't be undone was confirmed. A dry run does nothing, and so asks nothing.
    pub(crate) fn confirmed(&mut self, text: &str, given: Option<&str>) -> Result<String> {
        if self.is_dry_run() {
            return Ok(text.to_owned());
        }
        confirmed(self.context, text, given)
    }

    pub(crate) fn say(&mut self, text: impl std::fmt::Display) -> Result<()> {
        Ok(writeln!(self.context.output, "{}", plain(&text.to_string()))?)
    }

    /// Says what was done; in a dry run, what would have been written.
    pub(crate) fn done(&mut self, text: impl std::fmt::Display) -> Result<u8> {
        let Some(plan) = &self.backends.plan else {
            // Whoever runs it again must not take it for something that has failed.
            self.say(&text).map_err(|error| {
                Failure::new(format!("it was done ({text}), and only this: {error}"))
            })?;
            return Ok(0);
        };
        let lines = plan.lines();
        writeln!(self.context.output, "would have: {}", plain(&text.to_string()))?;
        if lines.is_empty() {
            writeln!(self.context.output, "would write: nothing")?;
        }
        for line in lines {
            writeln!(self.context.output, "would write: {}", plain(&line))?;
        }
        Ok(0)
    }
}

/// Who runs this, as far as the environment tells it: it is a note, and no proof.
fn me(context: &Context<'_>) -> String {
    let user = context.variable("USER").or_else(|| context.variable("LOGNAME"));
    format!("{}@{}", user.unwrap_or_else(|| "unknown".to_owned()), context.host)
}

#[cfg(test)]
pub(crate) mod tests_support {
    use std::io;
    use std::sync::Arc;
    use std::time::SystemTime;

    use encrypted_field::envelope::Clock;
    use encrypted_field::plaintext::Zeroizing;

    use crate::context::{Context, Terminal};

    /// Somebody who answers with these, the last first.
    pub(crate) struct Answers(pub(crate) Vec<String>);

    impl Terminal for Answers {
        fn ask(&mut self, _: &str) -> io::Result<String> {
            Ok(self.0.pop().unwrap_or_default())
        }

        fn ask_secret(&mut self, _: &str) -> io::Result<Zeroizing<String>> {
            Ok(Zeroizing::new(self.0.pop().unwrap_or_default()))
        }
    }

    /// A context of nothing, at a time that stands still.
    pub(crate) fn with_context<T>(
        terminal: Option<&mut Answers>,
        test: impl FnOnce(&mut Context<'_>) -> T,
    ) -> T {
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        test(&mut Context {
            environment: Arc::new(|_| None),
            folder: "/".into(),
            host: "host".into(),
            clock: Clock::manual(SystemTime::UNIX_EPOCH),
            output: &mut output,
            errors: &mut errors,
            input: &mut io::empty(),
            terminal: terminal.map(|answers| answers as &mut dyn Terminal),
            pause: &mut |_| {},
        })
    }
}
