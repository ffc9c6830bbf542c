// What people did with tips. Every chart is drawn in percent of its frame, so it fills any width and its text keeps its size.
import { CellName, Dot } from "tip-panel";

// A model with its prompt, or any other version by its name.
const Key = {
  components: { CellName },
  props: { of: String },
  computed: {
    at() { return this.of.lastIndexOf("|"); },
  },
  template: `<CellName v-if="at >= 0" :model="of.slice(0, at)" :prompt="of.slice(at + 1)"/><bdi v-else class="cell-name">{{ of }}</bdi>`,
};

// A line and its band in a frame of 100 by 100 that is stretched.
const Trend = {
  props: { of: Object, tone: String },
  template: `
    <svg class="trend" :class="'tone-' + tone" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
      <polygon v-if="of.band" class="band" :points="of.band"/>
      <polyline v-if="of.points.length > 1" class="run" :points="of.line"/>
      <line v-else-if="of.points.length" class="run lone" :x1="of.points[0].x" :x2="of.points[0].x + 0.01" :y1="of.points[0].y" :y2="of.points[0].y"/>
    </svg>`,
};

const Chart = {
  components: { Trend, Key },
  props: { drawn: Object, label: String },
  template: `
    <div class="chart">
      <p class="axis-title">Taken of 100 tips &uarr;</p>
      <div class="plot" role="img" :aria-label="label">
        <span v-for="tick in drawn.y" class="rule" :style="{ bottom: tick.at + '%' }"><i>{{ tick.label }}</i></span>
        <Trend v-for="one in drawn.series" :key="one.key" :of="one" :tone="one.tone"/>
        <template v-for="one in drawn.series"><span v-for="point in one.points" class="knot" :class="['tone-' + one.tone, { open: !point.is_sound }]"
          :style="{ left: point.x + '%', top: point.y + '%' }" :title="point.label"></span></template>
      </div>
      <div class="dates" aria-hidden="true"><span v-for="date in drawn.x" :class="{ 'at-start': date.at < 3, 'at-end': date.at > 97 }" :style="{ left: date.at + '%' }">{{ date.label }}</span></div>
      <ul class="legend"><li v-for="one in drawn.series" :class="'tone-' + one.tone"><Key :of="one.key"/> <span>{{ one.say }}</span></li></ul>
    </div>`,
};

const Against = {
  components: { CellName },
  props: { drawn: Object, judge: String },
  data() {
    return { at: null };
  },
  template: `
    <figure>
      <svg class="canvas against" role="img" :aria-label="'Scores of ' + judge + ' to the right, rewards upwards, ' + drawn.points.length + ' cells'">
        <svg width="100%" height="340">
          <template v-for="tick in drawn.y">
            <line class="grid-line" x1="0" x2="100%" :y1="100 - tick.at + '%'" :y2="100 - tick.at + '%'"/>
            <text x="0" :y="100 - tick.at + '%'" dy="-4">{{ tick.label }}</text>
          </template>
          <svg viewBox="0 0 100 100" preserveAspectRatio="none" width="100%" height="100%"><polygon v-if="drawn.band" class="band" :points="drawn.band"/>
            <polyline v-if="drawn.line" class="frontier" :points="drawn.line"/></svg>
          <template v-for="point in drawn.points">
            <line v-if="point.y_whisker" class="whisker" :x1="point.x + '%'" :x2="point.x + '%'" :y1="point.y_whisker[0] + '%'" :y2="point.y_whisker[1] + '%'"/>
            <line v-if="point.x_whisker" class="whisker" :x1="point.x_whisker[0] + '%'" :x2="point.x_whisker[1] + '%'" :y1="point.y + '%'" :y2="point.y + '%'"/>
          </template>
          <circle v-for="(point, i) in drawn.points" :class="{ is_now: at === i }" :cx="point.x + '%'" :cy="point.y + '%'" :r="at === i ? 7.5 : 5.5" @mouseenter="at = i" @mouseleave="at = null">
            <title>{{ point.model }} {{ point.prompt }}: {{ point.score }}, {{ point.rate }} of 100</title></circle>
        </svg>
        <template v-for="tick in drawn.x"><line class="tick-mark" :x1="tick.at + '%'" :x2="tick.at + '%'" y1="340" y2="345"/>
          <text :x="tick.at + '%'" y="360" text-anchor="middle">{{ tick.label }}</text></template>
      </svg>
      <p class="axis-title">Score by the judge &rarr;</p>
      <div class="scroll" tabindex="0" role="region" aria-label="Cells of this judge"><table class="cells-of"><thead><tr><th scope="col">Model, prompt</th><th scope="col">Score</th><th scope="col">Rewarded of 100</th><th scope="col">People</th></tr></thead>
        <tbody><tr v-for="(point, i) in drawn.points" :class="{ is_now: at === i }" @mouseenter="at = i" @mouseleave="at = null"><th scope="row"><CellName :model="point.model" :prompt="point.prompt"/></th>
          <td>{{ point.score }}<small>{{ point.score_interval }}</small></td><td>{{ point.rate }}<small>{{ point.rate_interval }}</small></td><td>{{ point.people }}</td></tr></tbody></table></div>
    </figure>`,
};

const VERDICTS = { better: "better", worse: "worse", open: "may be equal", early: "too early" };

export default {
  components: { Against, CellName, Chart, Dot, Key, Trend },
  props: { page: Object, wanted: Object },
  data() {
    return { asked: { ...this.wanted }, judge: null, all: false };
  },
  computed: {
    verdicts: () => VERDICTS,
    shown() {
      if (!this.page || !this.page.judges.length) return null;
      return this.page.judges.find((one) => one.key === this.judge) || this.page.judges[0];
    },
    bad() { return this.page.ratios.filter((one) => one.is_bad); },
    shares() { return this.all ? this.page.ratios : this.page.ratios.slice(0, 3); },
  },
  methods: {
    sift(change) {
      const drawn = change.by ? { key: "", beside: "" } : { key: this.page.key, beside: change.key ? "" : this.asked.beside };
      this.asked = { ...this.asked, ...drawn, ...change };
      history.replaceState(null, "", "?" + new URLSearchParams(Object.entries(this.asked).filter(([, value]) => value)));
      this.$emit("sift", this.asked);
    },
  },
  template: `
    <div>
      <div class="head"><div><h1>Rewards</h1><p class="lead" v-if="!page || page.fault || page.is_empty">What people do with tips, once they have had a day to do it.</p><p v-else class="lead" id="lead">{{ page.lead }}</p></div></div>
      <div v-if="!page" class="bones" role="status" aria-label="Loading"><span v-for="n in 6"></span></div>
      <div v-else-if="page.fault" class="note bad" role="alert"><p><strong>The rewards cannot be read.</strong></p><p>{{ page.fault }}</p><p>This page tries again by itself.</p></div>
      <div v-else-if="page.is_empty" class="empty">
        <h2>Nobody has met a tip yet</h2>
        <p>Once the server has shown tips and their first day is over, this page tells which prompt, model and policy people take to, and whether the judges saw it coming.</p>
      </div>
      <template v-else>
        <div v-for="one in bad" class="note bad" role="alert"><p><strong>Arms do not hold the people that they should.</strong></p><p>{{ one.sentence }}</p></div>
        <div class="sides">
          <div class="pick" role="group" aria-label="Tell tips apart by"><button v-for="one in page.dimensions" type="button" :aria-pressed="String(asked.by === one.key)" @click="sift({ by: one.key })">{{ one.name }}</button></div>
          <div class="pick" role="group" aria-label="Over time"><button v-for="one in page.windows" type="button" :aria-pressed="String((asked.over || page.over) === one.key)" @click="sift({ over: one.key })">{{ one.name }}</button></div>
        </div>

        <section id="rates" aria-labelledby="rates-title">
          <h2 id="rates-title">How often tips are taken</h2>
          <p class="say">Of 100 tips, those that were accepted, done or rated well within a day. The bar is a 95% interval over people, since one person's tips are alike; a hollow dot has no interval to be trusted. The line is the same over time, with its band.</p>
          <p v-if="!page.table.rows.length" class="say">Nobody knows who wrote the tips that were shown; tell them apart by something else.</p>
          <table v-else class="rates stack" role="table" aria-labelledby="rates-title">
            <thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">{{ asked.by === 'prompt' ? 'Model, prompt' : 'Version' }}</th><th role="columnheader" scope="col">People</th><th role="columnheader" scope="col">Tips</th>
              <th v-for="one in page.table.rows[0].reactions" role="columnheader" scope="col">{{ one.name }}</th><th role="columnheader" scope="col">Rating</th><th role="columnheader" scope="col">Of 100</th>
              <th role="columnheader" scope="col" class="c-plot"><span class="hidden">Drawn</span><svg class="axis" aria-hidden="true"><text v-for="tick in page.table.ticks" :x="tick.at + '%'" y="14" text-anchor="middle">{{ tick.label }}</text></svg></th>
              <th role="columnheader" scope="col" class="c-trend">Over time</th></tr></thead>
            <tbody role="rowgroup"><tr role="row" v-for="row in page.table.rows" :key="row.key" :data-key="row.key">
              <th role="rowheader" scope="row"><Key :of="row.key"/><small v-if="row.note">{{ row.note }}</small></th>
              <td role="cell" data-label="People">{{ row.people }}</td><td role="cell" data-label="Tips">{{ row.shown }}<small v-if="row.open">{{ row.open }}</small></td>
              <td v-for="one in row.reactions" role="cell" :data-label="one.name" :title="one.n">{{ one.share }}</td>
              <td role="cell" data-label="Rating" :title="row.n_rated + ' ratings'">{{ row.rated }}</td>
              <td role="cell" class="c-rate" data-label="Of 100"><span class="big">{{ row.rate }}</span><small v-if="row.drawn">{{ row.interval }}</small></td>
              <td role="cell" class="c-plot"><Dot v-if="row.drawn" :row="row" :ticks="page.table.ticks"/></td>
              <td role="cell" class="c-trend"><span class="hidden">{{ row.trend.say }}</span><Trend :of="row.trend" tone="lead"/></td>
            </tr></tbody>
          </table>
        </section>

        <section v-if="page.keys.length" id="time" aria-labelledby="time-title">
          <h2 id="time-title">Over time</h2>
          <div class="switch">
            <div class="field"><label for="draw">Draw</label><select id="draw" :value="page.key" @change="sift({ key: $event.target.value })"><option v-for="key in page.keys" :value="key">{{ key.replace("|", " ") }}</option></select></div>
            <div class="field"><label for="beside">beside</label><select id="beside" :value="page.beside" @change="sift({ beside: $event.target.value || page.key })"><option value="">none</option><option v-for="key in page.keys" :value="key" :disabled="key === page.key">{{ key.replace("|", " ") }}</option></select></div>
          </div>
          <Chart :drawn="page.chart" :label="'Rewarded tips of 100 over time: ' + page.chart.series.map((one) => one.key + ', ' + one.say).join('; ')"/>
        </section>

        <section id="comparisons" aria-labelledby="comparisons-title">
          <h2 id="comparisons-title">Is one really better?</h2>
          <p class="say">Each is held against the oldest that was shown on the same days, day by day and release by release. The intervals hold at every look, and for all of them together, so one may go on looking.</p>
          <p v-if="!page.comparisons.rows.length" class="say">No two were shown on the same days, so there is nothing to compare.</p>
          <ol v-else class="duels">
            <li class="scale" aria-hidden="true"><span></span><svg class="axis"><text v-for="tick in page.comparisons.ticks" :x="tick.at + '%'" y="14" text-anchor="middle">{{ tick.label }}</text></svg></li>
            <li v-for="row in page.comparisons.rows" :key="row.key" :class="'is-' + row.tone" :data-key="row.key"><p><strong>{{ verdicts[row.tone] }}</strong>{{ row.sentence }}</p>
              <Dot :row="row" :ticks="page.comparisons.ticks.filter((tick) => tick.is_zero)"/></li>
          </ol>
        </section>

        <section id="judges" aria-labelledby="judges-title">
          <h2 id="judges-title">Do the judges predict the people?</h2>
          <p class="say">A judge scored tips on a bench; people met tips of the same cells in the app. Where the judge is right, cells climb from left to right. Judges are never averaged together.</p>
          <p v-if="!shown" class="say" id="no-judge">No judge has scored anything yet.</p>
          <template v-else>
            <div class="switch"><div class="field"><label for="by-judge">Judge</label><select id="by-judge" :value="shown.key" @change="judge = $event.target.value"><option v-for="one in page.judges" :value="one.key">{{ one.name }}: {{ one.verdict }}</option></select></div></div>
            <p class="lead" id="worth">{{ shown.sentence }}</p>
            <dl class="facts"><div v-for="fact in shown.facts"><dt>{{ fact.term }}</dt><dd>{{ fact.value }}<small v-if="fact.note">{{ fact.note }}</small></dd></div></dl>
            <Against v-if="shown.drawn" :drawn="shown.drawn" :judge="shown.name"/>
            <details v-if="shown.left_out.length" class="left-out"><summary>{{ shown.left_out_say }}</summary><ul><li v-for="one in shown.left_out"><CellName :model="one.model" :prompt="one.prompt"/>: {{ one.why }}</li></ul></details>
            <p class="say">People were not dealt to cells at random, and cells were live on different days: this tells how well a judge foresees, not what a prompt causes.</p>
          </template>
        </section>

        <section id="shares" aria-labelledby="shares-title">
          <h2 id="shares-title">Do arms hold the people they should?</h2>
          <p class="say">A release deals people to its arms by weight. Where arms hold another number than chance explains, something loses people on the way and no comparison of them can be trusted.</p>
          <ul class="shares"><li v-for="one in shares" :key="one.version" :data-version="one.version"><p class="when">{{ one.when }}</p><div><p>{{ one.sentence }}</p>
            <ul><li v-for="arm in one.arms"><bdi class="cell-name">{{ arm.arm }}</bdi> {{ arm.people }} people, {{ arm.found }} <small>planned {{ arm.planned }}</small></li></ul></div></li></ul>
          <p v-if="page.ratios.length > shares.length" class="pages"><button type="button" @click="all = true">Show all {{ page.ratios.length }} releases</button></p>
        </section>
      </template>
    </div>`,
};
