//! A list in parts, each on a thread of its own.

use std::panic::resume_unwind;
use std::thread;

/// Runs `each` on the parts of a list, in so many threads with the calling one among them. The
/// results stand in the order of the list.
pub(super) fn in_parts<I: Send, O: Send>(
    list: Vec<I>,
    threads: usize,
    each: impl Fn(Vec<I>) -> Vec<O> + Sync,
) -> Vec<O> {
    let len = list.len().div_ceil(threads.max(1)).max(1);
    let (mut rest, each) = (list, &each);
    thread::scope(|scope| {
        let mut others = Vec::new();
        // From the end: taking a part off there moves no other.
        while rest.len() > len {
            let part = rest.split_off(rest.len() - len);
            others.push(scope.spawn(move || each(part)));
        }
        let mut results = each(rest);
        for other in others.into_iter().rev() {
            results.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        results
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::thread;

    use super::in_parts;

    /// Also with more threads than processors, and with lists that no number of threads divides.
    #[test]
    fn the_order_stays_and_each_part_has_a_thread() {
        for threads in 1..=7 {
            for len in [0, 1, 2, 6, 7, 8, 100] {
                let with_thread = |part: Vec<usize>| {
                    part.into_iter().map(|item| (item, thread::current().id())).collect::<Vec<_>>()
                };
                let results = in_parts((0..len).collect(), threads, with_thread);
                assert!(results.iter().map(|(item, _)| *item).eq(0..len), "{threads}, {len}");
                let used: HashSet<_> = results.iter().map(|(_, thread)| thread).collect();
                let expected = len.div_ceil(len.div_ceil(threads).max(1));
                assert_eq!(used.len(), expected, "{threads}, {len}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "of a part")]
    fn a_panic_is_the_callers() {
        in_parts(vec![1, 2, 3], 3, |part| {
            assert!(part != [3], "of a part");
            part
        });
    }
}
