//! Mistakes that can be planted in the supervisor, one at a time, to see that the simulation
//! finds them. An invariant that no mistake can break says nothing.

use std::cell::Cell;

use super::stories;

/// A mistake that somebody could make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mistake {
    /// A restart does not raise the restart count.
    ForgetsToCount,
    /// Some run ids are given out twice.
    ReusesRunIds,
    /// A life is signalled before it was executed.
    SignalsTheUnborn,
    /// A kill timeout passes without SIGKILL.
    NeverKills,
    /// Some runs are never acknowledged to the keeper.
    LeaksRuns,
    /// What was stopped is restarted when it ends.
    RestartsWhatWasStopped,
    /// A shutdown does not keep crashed processes from being restarted.
    LaunchesInShutdown,
    /// An end that was asked for counts as a crash.
    TakesStopsForCrashes,
    /// A second report of the same exit counts as another one.
    CountsExitsTwice,
    /// A life is over when its main process is, whatever that left behind.
    LeavesOrphans,
    /// A restart launches the new life before the old one is gone.
    RestartsBesideTheOld,
    /// A shutdown ends the oldest first.
    StopsInOrderOfStart,
    /// A changed row is not recorded.
    KeepsAChangeToItself,
    /// A new daemon starts what was given up.
    RetriesTheGivenUp,
    /// What is being deleted can be started or stopped.
    RevivesTheDeleted,
    /// One unstable run too many before giving up.
    GivesUpLate,
    /// A back-off that was asked for makes no difference.
    IgnoresTheBackoff,
    /// Waits grow without limit.
    WaitsWithoutLimit,
    /// Waits do not begin anew after a calm run.
    NeverCalmsDown,
    /// Stable runs do not end a row of unstable ones.
    HoldsAGrudge,
    /// Every launch raises the restart count.
    CountsEveryStart,
    /// What was to end before it was executed is not asked when it has been.
    LetsTheLateBornLive,
    /// A new keeper is not told what is to end.
    TrustsTheOldKeeper,
    /// Lives that belong to no process are left alone.
    OverlooksStrays,
    /// A run that is over is watched on.
    WatchesForEver,
    /// Failures count before the start limit.
    HasNoPatience,
    /// A new run that nobody answers for is given up as one that answers wrongly.
    TakesSilenceForAnAnswer,
    /// What others answer on a socket that they share with a new run counts as its answer.
    BelievesSiblings,
    /// A run may take as long as it likes to become healthy.
    NeverLate,
    /// One failed check too many before a run is unhealthy.
    ToleratesOneFailureMore,
    /// A check that passes does not end a row of failures.
    NeverForgivesFailures,
    /// The end of an unhealthy run is taken for one by itself.
    TakesTheUnwellForCrashed,
    /// Fewer processes: the lowest numbers go.
    RemovesTheLowestFirst,
    /// A new process takes the number of one that is going and still there.
    TakesNumbersInUse,
    /// A definition is changed and started though the app is up.
    UpdatesWhatIsUp,
    /// A changed definition is not recorded.
    KeepsDefinitionsToItself,
    /// A signal goes to a life that is ending.
    SignalsTheDying,
    /// A new daemon takes the count from before it was set to zero.
    RevivesOldCounts,
    /// A reload has more new runs beside old ones than it may.
    ReloadsTwoAtOnce,
    /// A reload lets processes pause that others need.
    PausesTooMany,
    /// A reload goes on though a new run died.
    ReloadsOnAfterADeath,
    /// A new run that has ended as planned ends the reload.
    TakesTheDoneForDead,
    /// A reload runs a job that rests.
    RunsJobsUnasked,
    /// The definition that a failed reload brought stays.
    KeepsTheDefinitionThatFailed,
    /// A reload goes on though it was broken off.
    ReloadsOnRegardless,
    /// Whichever reload goes on is broken off.
    BreaksOffAnyReload,
    /// A port is given to somebody although another has it.
    GivesPortsTwice,
    /// Another app gets a port that is shared.
    SharesWithStrangers,
    /// The keeper is not told that nobody wants a socket any more.
    ForgetsTheSocket,
    /// Of sockets of one port, also those of processes that are not ready get connections.
    SteersToEverybody,
    /// What other programs listen on is not looked at.
    OverlooksForeignPorts,
    /// What rests keeps its port.
    KeepsPortsAtRest,
    /// After a crash a port is chosen anew.
    WandersAfterCrash,
    /// A plain restart does not return to the definition's port.
    KeepsTheOverride,
    /// Restarts come however many there were.
    IgnoresTheBudget,
    /// Who came last to the queue for the host's budget goes first.
    ServesTheNewestFirst,
    /// Too much memory does not matter.
    IgnoresMemory,
    /// A run that uses too much memory at once says nothing about the program.
    ForgivesMemory,
    /// A new daemon does not wait for what the last one waited for.
    ForgetsWhatItWaitedFor,
    /// A new daemon counts unstable runs from zero.
    ForgetsUnstableRuns,
    /// What was asked is not remembered until it is done.
    KeepsAWishToItself,
    /// Who cannot be launched because the disk is full is given up in the end.
    BlamesTheProgramForTheDisk,
    /// What did not run then is stopped when an app is completed.
    StopsToComplete,
    /// What is there is added once more when an app is completed.
    DoublesToComplete,
    /// What an app depends on does not matter.
    StartsBeforeItsDependencies,
    /// Who waits for others is not looked at any more.
    ForgetsWhoWaits,
    /// What others depend on ends with them.
    StopsWhatIsNeeded,
    /// Several are ended in the order in which somebody named them.
    StopsInAnyOrder,
    /// All that use too much memory are restarted at once.
    RestartsForMemoryTogether,
    /// An exit is told as if nobody had wanted it.
    ForgetsWhyItEnds,
    /// An app may depend on itself, through others.
    AllowsCycles,
    /// Nothing is awaited of anybody.
    AwaitsNothing,
    /// Any sign makes ready.
    TakesAnySign,
    /// A run that is late is taken to be ready.
    TakesLateForReady,
    /// A sign is looked for on and on.
    AwaitsForEver,
    /// That a run is ready is not kept with it.
    KeepsReadinessToItself,
    /// A new daemon begins to await what was ready.
    ForgetsWhoWasReady,
    /// A reload goes on before the new run is ready.
    ReloadsOnBeforeReady,
    /// What a main process that was asked by message leaves behind is not asked.
    ForgetsTheRest,
    /// A new daemon takes up the newest life though it was on trial.
    TakesUpTheUnproven,
    /// A life on trial replaces the present one before it has stayed up.
    PromotesAtOnce,
    /// The life that was replaced is not asked to end.
    KeepsTheOldRun,
    /// A new run replaces another while its check fails.
    PromotesTheFailing,
    /// A new daemon kills what the last one had begun to end.
    KillsWhoLeaves,
    /// A life on trial is taken for ready before it has shown its sign.
    TrialsNeedNoSign,
    /// A present life that ends is followed by one more, beside the one on trial.
    StartsAThird,
    /// A life on trial gets a port that somebody has.
    TriesOnTakenPorts,
    /// What shares a socket is put to its trial without a rehearsal.
    NeverRehearses,
    /// A rehearsed run takes the place of the present one.
    PromotesTheRehearsed,
    /// What leaves a balancer is asked to end at once.
    NeverDrains,
    /// What drains is asked to end with the next thing that happens.
    DrainsInAHurry,
    /// What was stopped is started because a file was changed.
    RevivesTheStopped,
    /// A change of files leaves alone what was given up.
    LeavesTheErrored,
    /// A new daemon does not know which slots were considered.
    ForgetsTheSlots,
    /// Slots do not come again though the clock had been far ahead.
    TrustsTheClock,
    /// That a slot was considered is not recorded.
    KeepsSlotsToItself,
    /// Missed slots are made up for, whatever the policy says.
    CatchesUpAlways,
    /// What was stopped is started at its slot.
    RevivesBySchedule,
    /// A run is ended for the next, whatever the policy says.
    RunsJobsOver,
    /// A new daemon runs jobs at once.
    RunsJobsAtBoot,
    /// A slot that waits for the end of a run is forgotten.
    ForgetsTheQueue,
}

impl Mistake {
    /// All but those that are [`TOLD`](Mistake::TOLD), each with a story that finds it. Where that one does not any more, because stories
    /// have changed, another is looked for, which takes a while.
    pub const ALL: &[(Mistake, u64)] = &[
        (Mistake::ForgetsToCount, 0),
        (Mistake::ReusesRunIds, 0),
        (Mistake::SignalsTheUnborn, 0),
        (Mistake::NeverKills, 0),
        (Mistake::LeaksRuns, 1),
        (Mistake::RestartsWhatWasStopped, 0),
        (Mistake::LaunchesInShutdown, 1),
        (Mistake::TakesStopsForCrashes, 0),
        (Mistake::CountsExitsTwice, 11),
        (Mistake::LeavesOrphans, 0),
        (Mistake::RestartsBesideTheOld, 0),
        (Mistake::StopsInOrderOfStart, 64),
        (Mistake::KeepsAChangeToItself, 0),
        (Mistake::RetriesTheGivenUp, 1),
        (Mistake::RevivesTheDeleted, 2),
        (Mistake::GivesUpLate, 1),
        (Mistake::IgnoresTheBackoff, 4),
        (Mistake::WaitsWithoutLimit, 343),
        (Mistake::NeverCalmsDown, 0),
        (Mistake::HoldsAGrudge, 5),
        (Mistake::CountsEveryStart, 0),
        (Mistake::LetsTheLateBornLive, 0),
        (Mistake::TrustsTheOldKeeper, 112),
        (Mistake::OverlooksStrays, 26),
        (Mistake::WatchesForEver, 1),
        (Mistake::HasNoPatience, 2),
        (Mistake::BelievesSiblings, 417),
        (Mistake::NeverLate, 45),
        (Mistake::ToleratesOneFailureMore, 4),
        (Mistake::NeverForgivesFailures, 24),
        (Mistake::TakesTheUnwellForCrashed, 15),
        (Mistake::RemovesTheLowestFirst, 26),
        (Mistake::TakesNumbersInUse, 110),
        (Mistake::UpdatesWhatIsUp, 5),
        (Mistake::KeepsDefinitionsToItself, 0),
        (Mistake::SignalsTheDying, 1),
        (Mistake::RevivesOldCounts, 254),
        (Mistake::ReloadsTwoAtOnce, 5),
        (Mistake::PausesTooMany, 437),
        (Mistake::ReloadsOnAfterADeath, 5),
        (Mistake::TakesTheDoneForDead, 702),
        (Mistake::RunsJobsUnasked, 6),
        (Mistake::KeepsTheDefinitionThatFailed, 3),
        (Mistake::ReloadsOnRegardless, 27),
        (Mistake::BreaksOffAnyReload, 110),
        (Mistake::GivesPortsTwice, 4),
        (Mistake::SharesWithStrangers, 0),
        (Mistake::ForgetsTheSocket, 0),
        (Mistake::SteersToEverybody, 51),
        (Mistake::OverlooksForeignPorts, 1),
        (Mistake::KeepsPortsAtRest, 1),
        (Mistake::WandersAfterCrash, 4),
        (Mistake::KeepsTheOverride, 9),
        (Mistake::IgnoresTheBudget, 2),
        (Mistake::ServesTheNewestFirst, 8),
        (Mistake::IgnoresMemory, 1),
        (Mistake::ForgivesMemory, 1),
        (Mistake::ForgetsWhatItWaitedFor, 72),
        (Mistake::ForgetsUnstableRuns, 8),
        (Mistake::KeepsAWishToItself, 20),
        (Mistake::BlamesTheProgramForTheDisk, 15),
        (Mistake::StopsToComplete, 34),
        (Mistake::DoublesToComplete, 1),
        (Mistake::StartsBeforeItsDependencies, 1),
        (Mistake::ForgetsWhoWaits, 1),
        (Mistake::StopsWhatIsNeeded, 9),
        (Mistake::StopsInAnyOrder, 0),
        (Mistake::RestartsForMemoryTogether, 2584),
        (Mistake::ForgetsWhyItEnds, 0),
        (Mistake::AllowsCycles, 10),
        (Mistake::AwaitsNothing, 1),
        (Mistake::TakesAnySign, 1),
        (Mistake::TakesLateForReady, 1),
        (Mistake::AwaitsForEver, 1),
        (Mistake::KeepsReadinessToItself, 1),
        (Mistake::ForgetsWhoWasReady, 133),
        (Mistake::ReloadsOnBeforeReady, 29),
        (Mistake::ForgetsTheRest, 3),
        (Mistake::TakesUpTheUnproven, 25),
        (Mistake::PromotesAtOnce, 422),
        (Mistake::KeepsTheOldRun, 30),
        (Mistake::KillsWhoLeaves, 25),
        (Mistake::TrialsNeedNoSign, 269),
        (Mistake::StartsAThird, 113),
        (Mistake::NeverRehearses, 108),
        (Mistake::PromotesTheRehearsed, 594),
        (Mistake::TriesOnTakenPorts, 30),
        (Mistake::NeverDrains, 422),
        (Mistake::DrainsInAHurry, 422),
        (Mistake::RevivesTheStopped, 1),
        (Mistake::LeavesTheErrored, 1),
        (Mistake::ForgetsTheSlots, 6),
        (Mistake::TrustsTheClock, 22),
        (Mistake::KeepsSlotsToItself, 0),
        (Mistake::CatchesUpAlways, 0),
        (Mistake::RevivesBySchedule, 0),
        (Mistake::RunsJobsOver, 15),
        (Mistake::RunsJobsAtBoot, 6),
        (Mistake::ForgetsTheQueue, 156),
    ];

    /// To these hardly any story comes that is left to chance: they are found by one that is told.
    pub const TOLD: &[(Mistake, fn())] = &[
        (
            Mistake::PromotesTheFailing,
            stories::rolling::a_new_run_replaces_nobody_while_its_latest_check_has_failed,
        ),
        (
            Mistake::TakesSilenceForAnAnswer,
            stories::beside::a_new_run_that_nobody_answers_for_has_until_the_start_limit,
        ),
    ];
}

thread_local! {
    static PLANTED: Cell<Option<Mistake>> = const { Cell::new(None) };
}

/// Whether that mistake is planted in this thread.
pub fn is(mistake: Mistake) -> bool {
    PLANTED.get() == Some(mistake)
}

/// Plants a mistake, or none, in this thread.
pub fn plant(mistake: Option<Mistake>) {
    PLANTED.set(mistake);
}
