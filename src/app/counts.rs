//! The settings of `scale`: those of a capacity run for each number of workers.

use anyhow::{Result, anyhow, bail};

use super::keys::{self, Command, Fallback, LEVELS, WORKERS};
use super::settings::{Settings, Talk};
use super::sources::{Origin, Texts, shorten};
use super::target::Target;
use crate::report::slo::SloRecord;

/// What the list must be.
const WANTED: &str = "two or more whole numbers from 1 to 1024, each once, such as 1,2,4,8";
/// Goes on after the run before.
const FIRST_INDEX: (&str, &str) = ("FIRST_INDEX", "auto");

/// One capacity run for each number of workers, in the order in which they are run.
#[derive(Debug, Clone)]
pub struct Counts {
    /// The settings of the first one.
    pub first: Settings,
    /// Those of the others; they differ in the workers alone.
    pub others: Vec<Settings>,
    /// The sign-off file whose `[regression]` is left out: it is about one run.
    pub left_out: Option<String>,
}

impl Counts {
    /// Reads and checks the settings of all runs; one seed and one sign-off file serve them all.
    ///
    /// # Errors
    /// One line that names the first setting that cannot be used, and the cure.
    pub fn resolve(
        texts: &Texts,
        slo: Option<&SloRecord>,
        drawn_seed: u64,
        json: bool,
    ) -> Result<Self> {
        let given = texts.get(WORKERS).map(|text| text.value.clone());
        let counts = parse(&given.unwrap_or_else(|| default_of(WORKERS)))?;
        let mut common = texts.clone();
        if common.get(LEVELS).is_none() {
            common = common.with(LEVELS, default_of(LEVELS), Origin::Scale);
        }
        // One baseline for several numbers of workers would find the smaller ones worse.
        let left_out = slo.filter(|slo| slo.regression.is_some()).map(|slo| slo.file.clone());
        let slo = slo.map(|slo| SloRecord { regression: None, ..slo.clone() });
        let of = |workers: &u32, texts: &Texts| {
            let texts = texts.with(WORKERS, workers.to_string(), Origin::Scale);
            Settings::resolve(Command::Capacity, &texts, drawn_seed, json)?.with_slo(slo.clone())
        };
        let (first, others) = counts.split_first().ok_or_else(|| anyhow!("{WORKERS} is empty"))?;
        let first = of(first, &common)?;
        if let Target::Url(url) = &first.target {
            bail!(
                "TARGET={} is running already, and its workers cannot be changed from here; let `scale` start it: \
                 LAUNCH='… {{workers}} … {{port}}'",
                url.text
            );
        }
        // Only the first run can begin at a number of the user's: the others go on behind it.
        let (key, auto) = FIRST_INDEX;
        if common.get(key).is_some() {
            common = common.with(key, auto.to_owned(), Origin::Scale);
        }
        let others = others.iter().map(|workers| of(workers, &common)).collect::<Result<_>>()?;
        Ok(Self { first, others, left_out })
    }

    /// The same, with as much said on the way as `talk` has it.
    #[must_use]
    pub fn talking(mut self, talk: Talk) -> Self {
        self.first.talk = talk;
        for settings in &mut self.others {
            settings.talk = talk;
        }
        self
    }

    /// The settings of all runs.
    pub fn all(&self) -> impl Iterator<Item = &Settings> {
        [&self.first].into_iter().chain(&self.others)
    }
}

fn default_of(name: &str) -> String {
    let fallback = keys::find(name).map(|key| key.fallback_of(Command::Scale));
    fallback.as_ref().map_or_else(String::new, Fallback::to_string)
}

fn parse(text: &str) -> Result<Vec<u32>> {
    let wrong = || anyhow!("{WORKERS} must be {WANTED}, not \"{}\"", shorten(text));
    let mut counts: Vec<u32> = Vec::new();
    for item in text.split(',') {
        let count = item.trim().parse().ok().filter(|count| (1..=1024).contains(count));
        let count = count.ok_or_else(wrong)?;
        if counts.contains(&count) {
            bail!("{WORKERS}={} names {count} twice; leave one out", shorten(text));
        }
        counts.push(count);
    }
    if let [count] = counts.as_slice() {
        bail!(
            "{WORKERS}={count} is one number, and `scale` compares several: give {WORKERS}=1,2,4,8, or use \
             `plimsoll capacity {WORKERS}={count}`"
        );
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sources::Given;

    fn counts(words: &[&str]) -> Result<Counts> {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let texts = Texts::gather(Command::Scale, &Given { words, ..Given::default() })?;
        Counts::resolve(&texts, None, 7, false)
    }

    #[test]
    fn every_count_gets_the_settings_of_a_capacity_run() {
        let counts = counts(&["WORKERS=4,1,2", "PRESET=quick", "SERVICE_MS=20"]).expect("counts");
        let workers: Vec<u32> = counts.all().map(|settings| settings.workers).collect();
        assert_eq!(workers, [4, 1, 2], "in the order that was given");
        for settings in counts.all() {
            assert!(settings.levels.is_empty(), "no levels unless they are asked for");
            assert_eq!((settings.seed, settings.budget_s.to_string()), (7, "300".to_owned()));
            let handed = ("WORKERS".to_owned(), settings.workers.to_string());
            assert_eq!(settings.example_api.first(), Some(&handed), "the server is told");
            let listed = settings.resolved.iter().find(|item| item.key == WORKERS);
            let listed = listed.map(|item| (item.value.clone(), item.origin));
            assert_eq!(listed, Some((settings.workers.to_string(), Origin::Scale)), "recorded");
        }
    }

    #[test]
    fn no_count_is_held_against_the_baseline_of_a_sign_off_file() {
        let text = "[index]\np99_ms = 800\n[regression]\nbaseline = \"nowhere\"\n";
        let slo = crate::report::slo::read("slo.toml", text).expect("a sign-off file");
        assert!(slo.regression.is_some(), "it asks for a comparison");
        let texts = Texts::gather(Command::Scale, &Given::default()).expect("texts");
        let counts = Counts::resolve(&texts, Some(&slo), 7, false).expect("counts");
        assert_eq!(counts.left_out.as_deref(), Some("slo.toml"), "and that is said");
        for settings in counts.all() {
            let own = settings.slo.as_ref().expect("the rest of the file holds");
            assert_eq!((own.regression.as_ref(), settings.baseline.as_ref()), (None, None), "none");
            assert_eq!(own.index, slo.index, "the rest of the file holds");
        }
    }

    #[test]
    fn by_default_there_are_four_counts_and_no_levels() {
        let workers = |words: &[&str]| -> Vec<u32> {
            counts(words).expect("counts").all().map(|settings| settings.workers).collect()
        };
        assert_eq!(workers(&[]), [1, 2, 4, 8], "the default");
        let levels = counts(&["LEVELS=0,100"]).expect("counts").first.levels;
        assert_eq!(levels.len(), 2, "levels that are asked for are measured");
    }

    #[test]
    fn only_the_first_run_begins_at_a_number_of_the_user() {
        let counts = counts(&["FIRST_INDEX=50", "WORKERS=1,2"]).expect("counts");
        let first: Vec<Option<u64>> = counts.all().map(|settings| settings.first_index).collect();
        assert_eq!(first, [Some(50), None], "the other goes on behind it");
    }
}
