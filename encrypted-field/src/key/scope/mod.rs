//! The scope that is entered, around a closure or a future. It is for fields that use the keys of a
//! tenant.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arc_swap::ArcSwap;

use super::Keyring;
use crate::error::{Error, ErrorKind, Result};

thread_local! {
    static CURRENT: RefCell<Option<Scope>> = const { RefCell::new(None) };
}

/// A scope to enter, such as the tenant of a request. A field with `scope = dynamic` uses the keys
/// of the scope that is entered.
///
/// ```
/// use encrypted_field::{Encrypted, ErrorKind, Key, Keyring, Scope, generate_key};
///
/// #[derive(Encrypted)]
/// #[encrypted(table = "customers")]
/// struct Customer {
///     #[encrypted(String, scope = dynamic)]
///     iban: Iban,
/// }
///
/// # fn main() -> encrypted_field::Result<()> {
/// let acme = Key::new(1, generate_key()?).scope("acme");
/// let globex = Key::new(2, generate_key()?).scope("globex");
/// let _ring = Keyring::builder().key(acme).key(globex).build()?.hold(); // in an application: `install`
///
/// let customer = Customer { iban: "DE02120300000000202051".into() };
/// let acme = Scope::named("acme")?;
/// let stored = acme.run(|| customer.iban.to_stored_text())?;
/// assert!(stored.starts_with("ef1:1:"));
///
/// // It opens where "acme" is entered, and nowhere else.
/// # use encrypted_field::EncryptedFieldExt as _;
/// let iban = acme.run(|| Iban::from_stored_text(stored.clone()))?;
/// assert_eq!(&*iban, "DE02120300000000202051");
/// let globex = Scope::named("globex")?;
/// let refused = globex.run(|| Iban::from_stored_text(stored.clone())).unwrap_err();
/// assert_eq!(refused.kind(), ErrorKind::ScopeMismatch);
/// let refused = Iban::from_stored_text(stored).unwrap_err();
/// assert_eq!(refused.kind(), ErrorKind::NoScope);
/// # Ok(())
/// # }
/// ```
///
/// Scopes nest. The inner one is in force. When it ends, even by a panic, the outer one comes back.
///
/// # In async code
///
/// [`enter`](Self::enter) takes a closure that gives a future. It runs the closure in the scope,
/// and keeps the scope with the future, on any thread and runtime. Other futures there do not see
/// it:
///
/// ```
/// # use encrypted_field::{Encrypted, Key, Keyring, Scope, Secret, generate_key};
/// # #[derive(Encrypted)] #[encrypted(context = "customers.iban", scope = dynamic)] struct Iban(Secret<String>);
/// # struct Request { tenant: String, iban: String }
/// # struct Database;
/// # impl Database { async fn insert(&self, stored: String) -> String { stored } }
/// # type Response = encrypted_field::Result<String>;
/// async fn handle(request: Request, database: &Database) -> Response {
///     let scope = Scope::named(request.tenant)?; // of the session, not of what the client says
///     scope
///         .enter(async || {
///             let iban = Iban::from(request.iban);
///             Ok(database.insert(iban.to_stored_text()?).await)
///         })
///         .await
/// }
/// # let ring = Keyring::builder().key(Key::new(1, generate_key().unwrap()).scope("acme")).build().unwrap();
/// # let _ring = ring.hold();
/// # let request = Request { tenant: "acme".to_owned(), iban: "DE02120300000000202051".to_owned() };
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # assert!(runtime.block_on(handle(request, &Database)).unwrap().starts_with("ef1:1:"));
/// ```
///
/// With SQLx, `to_stored_value` seals. With diesel-async, `execute` does, before you await it. So
/// call them inside of the closure:
///
/// ```
/// # #[cfg(feature = "sqlx-sqlite")] {
/// # use encrypted_field::{Encrypted, Scope};
/// # #[derive(Encrypted)] #[encrypted(table = "customers")]
/// # struct Customer { #[encrypted(String, scope = dynamic)] iban: Iban }
/// async fn insert(
///     scope: &Scope,
///     customer: &Customer,
///     pool: &sqlx::SqlitePool,
/// ) -> Result<(), Box<dyn std::error::Error>> {
///     scope
///         .enter(async || {
///             let insert = sqlx::query("INSERT INTO customers (iban) VALUES (?)");
///             insert.bind(customer.iban.to_stored_value()?).execute(pool).await?;
///             Ok(())
///         })
///         .await
/// }
/// # }
/// ```
///
/// If you seal before you call `enter`, the value is sealed in the scope that is entered then. If
/// no scope is entered, sealing fails.
///
/// A row opens where its columns are read. For a stream, that is where you consume it.
///
/// A spawned thread or task begins without a scope, and its fields refuse to work.
/// [`carry`](Self::carry) and [`carry_future`](Self::carry_future) take the scope along.
///
/// # Which keys
///
/// A [named](Self::named) scope has its keys in the key ring in use. The keys of the default scope
/// serve all fields without a scope. To enter it, use [`Scope::default_scope`]. No field falls back
/// to it, and no name stands for it. An empty name is an error, so that a tenant without a name
/// does not share its keys.
#[derive(Clone)]
pub struct Scope(Arc<Inner>);

struct Inner {
    name: Box<str>,
    ring: Option<Arc<ArcSwap<Keyring>>>,
}

impl Scope {
    /// The scope of this name. Its keys are in the key ring in use: the installed or held one, or
    /// the one that you pass to a `…_with` method. Names are compared byte by byte, with white
    /// space.
    ///
    /// If a name has no keys, sealing and opening fail, and not this call.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidScope`]: the name is empty.
    pub fn named(name: impl Into<Box<str>>) -> Result<Self> {
        let name = name.into();
        check_name(&name)?;
        Ok(Self(Arc::new(Inner { name, ring: None })))
    }

    /// The default scope. Its name is empty. Fields without a scope use its keys. It is not the
    /// scope of a tenant.
    // Not as `Default`, because `unwrap_or_default` on a tenant that was not found would choose it.
    pub fn default_scope() -> Self {
        Self(Arc::new(Inner { name: "".into(), ring: None }))
    }

    /// A scope with a ring of its own, which holds the keys of this scope and no others, and may be
    /// swapped.
    // For the key manager of `envelope`, if that is on.
    #[cfg_attr(not(feature = "envelope"), allow(dead_code))]
    pub(crate) fn with_ring(name: impl Into<Box<str>>, ring: Arc<ArcSwap<Keyring>>) -> Self {
        Self(Arc::new(Inner { name: name.into(), ring: Some(ring) }))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The ring with its keys: its own, or the one in use. For tools that open values by hand, such
    /// as through a [`Column`](crate::column::Column).
    ///
    /// # Errors
    /// Those of [`keyring`](crate::keyring), if it has no ring of its own.
    pub fn keyring(&self) -> Result<Arc<Keyring>> {
        match self.ring() {
            Some(ring) => Ok(ring.load_full()),
            None => super::keyring(),
        }
    }

    #[inline]
    pub(crate) fn ring(&self) -> Option<&ArcSwap<Keyring>> {
        self.0.ring.as_deref()
    }

    /// The scope that is entered here, on this thread and in this future.
    pub fn current() -> Option<Self> {
        // A thread that is ending is in none.
        CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
    }

    /// Runs `f` in this scope.
    pub fn run<R>(&self, f: impl FnOnce() -> R) -> R {
        run_in(Some(self.clone()), f)
    }

    /// Runs `f` at once, in this scope. The future that comes out is in this scope, too, whenever
    /// it is polled and when it is dropped. It is `Send` if the future of `f` is.
    ///
    /// ```
    /// # use encrypted_field::Scope;
    /// # use encrypted_field::{Encrypted, Key, Keyring, Secret, StoredValue, generate_key};
    /// # #[derive(Encrypted)] #[encrypted(context = "customers.iban", scope = dynamic)] struct Iban(Secret<String>);
    /// # struct Pool;
    /// # struct Query(String);
    /// # fn query() -> Query { Query(String::new()) }
    /// # impl Query {
    /// #     fn bind(self, iban: StoredValue<Iban>) -> Self { Self(iban.as_text().unwrap().to_owned()) }
    /// #     async fn execute(self, _: &Pool) -> encrypted_field::Result<String> { Ok(self.0) }
    /// # }
    /// # async fn handle(iban: &Iban, pool: &Pool) -> encrypted_field::Result<()> {
    /// let (acme, bolt) = (Scope::named("acme")?, Scope::named("bolt")?);
    /// bolt.enter(async || {
    ///     // Seals in "acme".
    ///     let insert = async || query().bind(iban.to_stored_value()?).execute(pool).await;
    ///     let done = acme.enter(insert).await?;
    /// #   assert!(done.starts_with("ef1:1:"));
    ///     // Seals in "bolt".
    ///     let done = query().bind(iban.to_stored_value()?).execute(pool).await?;
    /// #   assert!(done.starts_with("ef1:2:"));
    ///     Ok(())
    /// })
    /// .await
    /// # }
    /// # let [acme, bolt] = [(1, "acme"), (2, "bolt")].map(|(id, scope)| Key::new(id, generate_key().unwrap()).scope(scope));
    /// # let _ring = Keyring::builder().key(acme).key(bolt).build().unwrap().hold();
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(handle(&"x".into(), &Pool)).unwrap();
    /// ```
    pub fn enter<F: Future>(&self, f: impl FnOnce() -> F) -> InScope<F> {
        let future = self.run(f);
        InScope::new(Some(self.clone()), future)
    }

    /// Puts a closure into the scope that is entered now, for a thread that has none: of
    /// `tokio::task::spawn_blocking`, `std::thread::spawn` or `rayon::spawn`. If no scope is
    /// entered, the closure runs without one.
    ///
    /// ```
    /// # use encrypted_field::Scope;
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(Scope::named("acme").unwrap().enter(async || {
    /// let name = || Scope::current().map(|scope| scope.name().to_owned());
    /// assert_eq!(tokio::task::spawn_blocking(name).await.unwrap(), None);
    /// assert_eq!(tokio::task::spawn_blocking(Scope::carry(name)).await.unwrap().as_deref(), Some("acme"));
    /// # }));
    /// ```
    pub fn carry<F, R>(f: F) -> impl FnOnce() -> R + use<F, R>
    where
        F: FnOnce() -> R,
    {
        let scope = Self::current();
        move || run_in(scope, f)
    }

    /// As [`carry`](Self::carry), for a closure that borrows something, such as the connection of a
    /// pool whose `interact` runs the closure on another thread.
    ///
    /// ```
    /// # use encrypted_field::Scope;
    /// # struct Connection;
    /// # struct Pool(Connection);
    /// # impl Pool {
    /// #     fn interact<R: Send>(&mut self, f: impl FnOnce(&mut Connection) -> R + Send) -> R {
    /// #         std::thread::scope(|thread| thread.spawn(|| f(&mut self.0)).join().unwrap())
    /// #     }
    /// # }
    /// # let mut pool = Pool(Connection);
    /// # let name = Scope::named("acme").unwrap().run(|| {
    /// pool.interact(Scope::carry_with(|connection: &mut Connection| {
    ///     // …
    /// #   let _ = connection;
    /// #   Scope::current().unwrap().name().to_owned()
    /// }))
    /// # });
    /// # assert_eq!(name, "acme");
    /// ```
    pub fn carry_with<F, T, R>(f: F) -> impl FnOnce(&mut T) -> R + use<F, T, R>
    where
        F: FnOnce(&mut T) -> R,
        T: ?Sized,
    {
        let scope = Self::current();
        move |lent| run_in(scope, || f(lent))
    }

    /// Puts a future into the scope that is entered now, for a task of its own:
    /// `tokio::spawn(Scope::carry_future(…))`. If no scope is entered, the future runs without one.
    pub fn carry_future<F: Future>(future: F) -> InScope<F> {
        InScope::new(Self::current(), future)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scope").field(&self.name()).finish()
    }
}

/// The default scope's name is empty. Nobody gets there by a name that got lost.
pub(crate) fn check_name(name: &str) -> Result<()> {
    if !name.is_empty() {
        return Ok(());
    }
    let detail = "it is empty; pass the tenant's name. For the keys that all tenants share there is \
                  `Scope::default_scope()`";
    Err(Error::new(ErrorKind::InvalidScope).detail(detail))
}

/// A future that is polled and dropped in a scope. [`Scope::enter`] and [`Scope::carry_future`]
/// make it. The future inside is on the heap.
#[must_use = "futures do nothing unless polled"]
pub struct InScope<F> {
    scope: Option<Scope>,
    /// `None` only while it is dropped.
    future: Option<Pin<Box<F>>>,
}

impl<F> InScope<F> {
    fn new(scope: Option<Scope>, future: F) -> Self {
        Self { scope, future: Some(Box::pin(future)) }
    }
}

impl<F: Future> Future for InScope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self { scope, future } = self.get_mut();
        let Some(future) = future else { unreachable!("what is being dropped is not polled") };
        let _entered = Entered::new(scope);
        future.as_mut().poll(context)
    }
}

impl<F> Drop for InScope<F> {
    fn drop(&mut self) {
        let _entered = Entered::new(&mut self.scope);
        drop(self.future.take());
    }
}

impl<F> fmt::Debug for InScope<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InScope").field("scope", &self.scope).finish_non_exhaustive()
    }
}

fn run_in<R>(mut scope: Option<Scope>, f: impl FnOnce() -> R) -> R {
    let _entered = Entered::new(&mut scope);
    f()
}

/// While it lives, its scope is the thread's, and the thread's waits in the place of it. It stays
/// in the function that made it, so they end in reverse order.
struct Entered<'a>(&'a mut Option<Scope>);

impl<'a> Entered<'a> {
    fn new(scope: &'a mut Option<Scope>) -> Self {
        swap_with_current(scope);
        Self(scope)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        swap_with_current(self.0);
    }
}

fn swap_with_current(scope: &mut Option<Scope>) {
    // A thread that is ending stays in none: fields that need a scope refuse to work there.
    let _ = CURRENT.try_with(|current| mem::swap(&mut *current.borrow_mut(), scope));
}

#[cfg(test)]
mod tests;
