/** Stories of a session that cannot answer yet: what is typed meanwhile, and where the editor is made to ask. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Missed, type Place } from "../../src/missed";
import type { Phase } from "../../src/presence";
import type { Status } from "../../src/protocol";

const READY: Status = { state: "ready", message: "Ready.", model: "Small 1M", backend: "cpu", promptSpeed: 1, generationSpeed: 1, keysSavedToday: 0, progress: null, advice: null, doesWell: null, doesBadly: null };
const served = (state: Status["state"]): Phase => ({ kind: "serving", status: { ...READY, state } });
const STARTING: Phase = { kind: "starting" };
const HERE: Place = { uri: "file:///a.py", version: 2, start: 8, end: 9 };
const THERE: Place = { ...HERE, version: 3, start: 9, end: 10 };

class Story {
  readonly missed = new Missed();
  readonly asked: Place[] = [];

  phase(...phases: readonly Phase[]): void {
    for (const phase of phases) {
      const place = this.missed.follow(phase);
      if (place !== undefined) {
        this.asked.push(place);
      }
    }
  }

  /** A request that is answered when the returned function is called. */
  request(items: number): () => Promise<void> {
    let answer = (): void => undefined;
    const until = new Promise<void>((resolve) => (answer = resolve));
    const watched = this.missed.watch(async () => {
      await until;
      return items;
    }, (count) => count > 0);
    return async () => {
      answer();
      await watched;
    };
  }
}

const check = (name: string, steps: (story: Story) => void | Promise<void>, expected: readonly Place[]): void => {
  test(name, async () => {
    const story = new Story();
    await steps(story);
    assert.deepEqual(story.asked, expected);
  });
};

check("what was typed before the server was there is asked for once", (s) => {
  s.phase({ kind: "settingUp", message: "Fetching" }, STARTING);
  s.missed.typed(HERE);
  s.phase({ kind: "serving", status: undefined }, served("loading"), served("ready"), served("thinking"), served("ready"));
}, [HERE]);

check("the last place counts", (s) => {
  s.missed.typed(HERE);
  s.phase(STARTING);
  s.missed.typed(THERE);
  s.phase(served("ready"));
}, [THERE]);

check("where nothing was typed nothing is asked", (s) => {
  s.phase(STARTING, served("loading"), served("ready"));
}, []);

check("what is typed to a session that answers is not missed", (s) => {
  s.phase(served("ready"));
  s.missed.typed(HERE);
  s.phase(STARTING, served("ready"));
}, []);

check("a server that came back is asked for what was typed meanwhile", (s) => {
  s.phase(served("ready"), STARTING);
  s.missed.typed(HERE);
  s.phase(served("tooSlow"));
}, [HERE]);

check("an empty answer for want of a model is asked for anew", async (s) => {
  s.phase(served("noModel"));
  s.missed.typed(HERE);
  await s.request(0)();
  s.phase(served("loading"), served("ready"));
}, [HERE]);

check("what was answered already is not", async (s) => {
  s.phase(served("loading"));
  s.missed.typed(HERE);
  await s.request(1)();
  s.phase(served("ready"));
}, []);

check("a request that waits for the model to load will be answered", async (s) => {
  s.phase(served("loading"));
  s.missed.typed(HERE);
  const answer = s.request(1);
  s.phase(served("ready"));
  await answer();
}, []);

for (const state of ["error", "noModel", "loading"] as const) {
  check(`a session that is ${state} is not asked`, (s) => {
    s.missed.typed(HERE);
    s.phase(served(state), { kind: "failed", message: "Broken." });
  }, []);
}

test("a request is known for one asked anew for as long as the editor takes to ask, even if it fails to", async () => {
  const missed = new Missed();
  const seen: boolean[] = [missed.asksAnew];
  await missed.ask(() => Promise.resolve(seen.push(missed.asksAnew)));
  seen.push(missed.asksAnew);
  await assert.rejects(missed.ask(() => Promise.reject(new Error("no editor"))));
  seen.push(missed.asksAnew);
  assert.deepEqual(seen, [false, true, false, false]);
});

test("a request that fails is not under way any more", async () => {
  const missed = new Missed();
  missed.typed(HERE);
  await assert.rejects(missed.watch(() => Promise.reject(new Error("gone")), () => false));
  assert.deepEqual(missed.follow(served("ready")), HERE);
});
