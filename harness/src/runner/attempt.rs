//! One ask until it has an answer or an error that stays: retry, backoff, the way to be alone.

use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rightsize_providers::{Advice, Answer, Ask, Clock, Provider, ProviderError, Stamp};

use super::gate::{Gate, Place};

/// How failed attempts are made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Most attempts of one unit.
    pub attempts: u32,
    /// Longest wait that a server's advice is followed for; beyond it the unit ends as an error.
    pub longest_wait: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Retry { attempts: 5, longest_wait: Duration::from_secs(120) }
    }
}

impl Retry {
    /// Backoff before the attempt after the `made`-th: 0.5 s, doubled up to 8 s, less up to a
    /// quarter, so that units that failed together do not come back together.
    fn backoff(made: u32, rng: &mut ChaCha8Rng) -> Duration {
        let doubled = 0.5 * f64::from(1u32 << made.saturating_sub(1).min(4));
        Duration::from_secs_f64(doubled * rng.random_range(0.75..=1.0))
    }
}

/// What came of a unit.
#[derive(Debug)]
pub struct Attempted {
    /// The last attempt's result.
    pub result: Result<Answer, ProviderError>,
    /// Attempts made.
    pub attempts: u32,
    /// Time slept between them.
    pub slept: Duration,
    /// When the first was wanted.
    pub scheduled: Stamp,
}

/// One ask of a provider, and all that its attempts need.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// What answers.
    pub provider: &'a dyn Provider,
    /// What is asked.
    pub ask: &'a Ask,
    /// Limits the asks in flight.
    pub gate: &'a Gate,
    /// How failed attempts are made again.
    pub retry: Retry,
    /// The clock of the run.
    pub clock: &'a Clock,
    /// Seed of the backoff.
    pub seed: u64,
}

impl Asking<'_> {
    /// Asks until there is an answer or an error that stays. `waiting` hears of each pause.
    ///
    /// Dropping the future cancels the attempt in flight.
    pub async fn until_settled(
        self,
        place: Place,
        mut waiting: impl FnMut(Duration, &ProviderError),
    ) -> Attempted {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let mut place = Some(place);
        let scheduled = self.clock.now();
        let mut slept = Duration::ZERO;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let result = self.provider.attempt(self.ask).await;
            let advice = match &result {
                Ok(_) => Advice::Never,
                Err(error) => error.advice,
            };
            let pause = match advice {
                Advice::Backoff => Some(Retry::backoff(attempts, &mut rng)),
                Advice::AfterMs(ms) => Some(Duration::from_millis(ms)),
                Advice::Alone => Some(Duration::ZERO),
                Advice::Never | Advice::EndsEntry => None,
            };
            let bearable =
                |p: &Duration| attempts < self.retry.attempts && *p <= self.retry.longest_wait;
            let (Some(pause), Err(error)) = (pause.filter(bearable), &result) else {
                return Attempted { result, attempts, slept, scheduled };
            };
            if advice == Advice::Alone {
                // Room for the others first: all of them are to be out before this one goes in.
                drop(place.take());
                place = self.gate.alone().await;
            } else {
                waiting(pause, error);
                tokio::time::sleep(pause).await;
                slept += pause;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rightsize_providers::{
        Attempt, Capabilities, Description, Embed, ErrorKind, Response, SampleRef, Side, Stage,
        Timing, Usage,
    };

    use super::*;

    /// Answers by a list: what each attempt gives.
    struct Scripted {
        script: Mutex<Vec<Advice>>,
        in_flight: AtomicUsize,
        most: AtomicUsize,
    }

    impl Scripted {
        fn new(script: &[Advice]) -> Scripted {
            let script = Mutex::new(script.iter().rev().copied().collect());
            Scripted { script, in_flight: AtomicUsize::new(0), most: AtomicUsize::new(0) }
        }
    }

    impl Provider for Scripted {
        fn capabilities(&self) -> Capabilities {
            unreachable!("not asked for")
        }

        fn attempt<'a>(&'a self, _: &'a Ask) -> Attempt<'a> {
            Box::pin(async {
                let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
                self.most.fetch_max(now, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(100)).await;
                self.in_flight.fetch_sub(1, Ordering::SeqCst);
                match self.script.lock().unwrap().pop() {
                    None => Ok(Answer {
                        response: Response::default(),
                        vector: None,
                        usage: Usage::default(),
                        timing: Timing::default(),
                        logprob: None,
                        server: Default::default(),
                    }),
                    Some(advice) => Err(ProviderError::new(
                        Side::Theirs,
                        ErrorKind::Server,
                        Stage::Wait,
                        advice,
                        "failed",
                    )),
                }
            })
        }

        fn describe(&self) -> Description {
            Description::default()
        }
    }

    fn ask() -> Ask {
        Ask {
            sample: SampleRef { suite: "s".into(), id: "1".into(), repeat: 0 },
            fields: Default::default(),
            kind: rightsize_providers::AskKind::Embed(Embed { text: String::new() }),
        }
    }

    fn asking<'a>(
        provider: &'a Scripted,
        ask: &'a Ask,
        gate: &'a Gate,
        clock: &'a Clock,
    ) -> Asking<'a> {
        Asking { provider, ask, gate, retry: Retry::default(), clock, seed: 1 }
    }

    async fn settle(script: &[Advice]) -> (Attempted, Duration) {
        let start = tokio::time::Instant::now();
        let gate = Gate::new(1);
        let place = gate.enter().await.unwrap();
        let clock = Clock::Tokio(start);
        let provider = Scripted::new(script);
        let done = asking(&provider, &ask(), &gate, &clock).until_settled(place, |_, _| ()).await;
        (done, start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn advice_of_the_server_is_followed_to_the_millisecond() {
        let (done, took) = settle(&[Advice::AfterMs(5000), Advice::AfterMs(250)]).await;
        assert!(done.result.is_ok());
        assert_eq!((done.attempts, done.slept), (3, Duration::from_millis(5250)));
        assert_eq!(took, Duration::from_millis(5250 + 300));
    }

    #[tokio::test(start_paused = true)]
    async fn backoff_doubles_and_gives_up() {
        let (done, _) = settle(&[Advice::Backoff; 9]).await;
        assert!(done.result.is_err());
        assert_eq!(done.attempts, 5);
        let full = 0.5 + 1.0 + 2.0 + 4.0;
        let slept = done.slept.as_secs_f64();
        assert!(slept <= full && slept >= 0.75 * full, "{slept}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_beyond_the_limit_and_never_end_at_once() {
        for advice in [Advice::AfterMs(3_600_000), Advice::Never, Advice::EndsEntry] {
            let (done, _) = settle(&[advice]).await;
            assert!(done.result.is_err());
            assert_eq!((done.attempts, done.slept), (1, Duration::ZERO));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn alone_means_that_nothing_else_is_in_flight() {
        let gate = Gate::new(4);
        let clock = Clock::Tokio(tokio::time::Instant::now());
        let (crashing, quiet) = (Scripted::new(&[Advice::Alone]), Scripted::new(&[]));
        let others = async {
            for _ in 0..20 {
                let place = gate.enter().await.unwrap();
                asking(&quiet, &ask(), &gate, &clock).until_settled(place, |_, _| ()).await;
                assert!(quiet.most.load(Ordering::SeqCst) == 1);
            }
        };
        let one = async {
            let place = gate.enter().await.unwrap();
            let ask = ask();
            let asking = asking(&crashing, &ask, &gate, &clock);
            let done = asking.until_settled(place, |_, _| ()).await;
            assert_eq!(done.attempts, 2);
            assert_eq!(quiet.in_flight.load(Ordering::SeqCst), 0);
        };
        tokio::join!(others, one);
    }
}
