// What a recommender written in TypeScript does with one tip: score, generate, show, report.
// Types of all bodies can be generated from docs/openapi.json; here stand those that this file touches.
//
//   tsc --target es2022 --module es2022 --moduleResolution node --lib es2022,dom --strict recommend.ts
//   node recommend.js http://127.0.0.1:8000 [token]      (Node 22.18 and later run recommend.ts as it is)

declare const process: { argv: string[]; exitCode?: number };

interface Task {
  id: string;
  content: string;
  priority?: 1 | 2 | 3 | 4;
  due?: { date: string };
}

interface Candidate {
  id?: string;
  text?: string;
  written?: { decision_id: string; prompt_version: string; model: string };
}

interface Asking {
  user: string;
  now: string;
  tasks: Task[];
  profile_features: Record<string, unknown> | null;
}

interface ScoreAnswer {
  decision_id: string;
  order: string[];
  candidates: { id: string; score: number; propensity: number; rank: number }[];
  is_default: boolean;
  fell_back: Record<string, string>;
}

interface GenerateAnswer {
  decision_id: string;
  tip_id: string;
  tip: string;
  prompt_version: string;
  model: string;
}

interface Problem {
  title: string;
  status: number;
  detail: string;
  faults: string[];
}

type Reaction = "shown" | "accepted" | "dismissed" | "done" | "snoozed";

class ServerError extends Error {
  readonly problem: Problem;

  constructor(path: string, problem: Problem) {
    super(`POST ${path}: ${problem.status} ${problem.detail} ${problem.faults.join("; ")}`);
    this.problem = problem;
  }
}

class TipClient {
  private readonly url: string;
  private readonly token: string | undefined;

  constructor(url: string, token?: string) {
    this.url = url;
    this.token = token;
  }

  score(asking: Asking, candidates: Candidate[]): Promise<ScoreAnswer> {
    return this.call("/score", { ...asking, candidates });
  }

  generate(asking: Asking, promptVersion: string): Promise<GenerateAnswer> {
    return this.call("/generate", { ...asking, prompt_version: promptVersion });
  }

  react(user: string, decisionId: string, tipId: string, reaction: Reaction): Promise<{ event_id: string }> {
    return this.call("/feedback", { user, decision_id: decisionId, tip_id: tipId, reaction });
  }

  private async call<Answer>(path: string, body: object): Promise<Answer> {
    const headers: Record<string, string> = { "Content-Type": "application/json" };
    if (this.token !== undefined) {
      headers["Authorization"] = `Bearer ${this.token}`;
    }
    const answer = await fetch(this.url + path, { method: "POST", headers, body: JSON.stringify(body) });
    const said: unknown = await answer.json();
    if (!answer.ok) {
      throw new ServerError(path, said as Problem);
    }
    return said as Answer;
  }
}

async function main(url: string, token?: string): Promise<void> {
  const client = new TipClient(url, token);
  const asking: Asking = {
    user: "user-7",
    now: "2026-03-02T12:15:00+01:00",
    tasks: [
      { id: "1", content: "Call the dentist", priority: 4, due: { date: "2026-02-27" } },
      { id: "2", content: "Write the report", due: { date: "2026-03-03" } },
    ],
    profile_features: { completion_rate: 0.62, preferred_hour: 9, language: "en", time_zone: "Europe/Paris" },
  };
  const written = await client.generate(asking, "v1");
  const known: Candidate[] = [{ id: "walk", text: "Take a walk of ten minutes." }];
  const { decision_id, prompt_version, model } = written;
  const fresh: Candidate = { id: written.tip_id, text: written.tip, written: { decision_id, prompt_version, model } };
  const scored = await client.score(asking, [...known, fresh]);
  const shown = scored.order[0]!;
  const reported = await client.react(asking.user, scored.decision_id, shown, "accepted");
  const refused = await client.score(asking, []).catch((error: unknown) => error);
  console.log(
    JSON.stringify({
      shown,
      decision_id: scored.decision_id,
      event_id: reported.event_id,
      propensities: scored.candidates.map((candidate) => candidate.propensity),
      faults: refused instanceof ServerError ? refused.problem.faults : [],
    }),
  );
}

main(process.argv[2] ?? "http://127.0.0.1:8000", process.argv[3]).catch((error: unknown) => {
  console.error(String(error));
  process.exitCode = 1;
});
