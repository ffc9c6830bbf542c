// What an experiment came to: one judge's ranking at a time, quality against cost, tips side by side.
import { CellName, Dot, Scatter, Situation } from "tip-panel";

export default {
  components: { CellName, Dot, Scatter, Situation },
  props: { boards: Array, judge: String, tips: Object, api: String },
  data() {
    return { first: "", second: "" };
  },
  computed: {
    board() {
      if (!this.boards || !this.boards.length) return null;
      return this.boards.find((board) => board.key === this.judge) || this.boards[0];
    },
  },
  watch: {
    tips(now) { [this.first, this.second] = [now?.asked?.[0] ?? "", now?.asked?.[1] ?? ""]; },
  },
  methods: {
    choose(scenario) { this.$emit("choose", { scenario, cells: [this.first, this.second].filter(Boolean) }); },
    step(by) {
      const ids = this.tips.scenarios.map((scenario) => scenario.id);
      this.choose(ids[(ids.indexOf(this.tips.scenario) + by + ids.length) % ids.length]);
    },
  },
  template: `
    <div>
      <section id="ranking" aria-labelledby="ranking-title">
        <h2 id="ranking-title">Ranking</h2>
        <p v-if="!boards" class="say" role="status">Reading &hellip;</p>
        <p v-else-if="!board" class="say">There is no ranking yet. It is made once every cell has ended.</p>
        <template v-else>
          <div class="switch">
            <div class="field"><label for="judge-switch">By judge</label><select id="judge-switch" :value="board.key" @change="$emit('judge', $event.target.value)">
              <option v-for="known in boards" :value="known.key">{{ known.name }}</option></select></div>
            <span class="acts"><a class="button" :href="api + '?format=csv'" download>CSV</a><a class="button" :href="api + '?format=markdown'" download>Markdown</a></span>
          </div>
          <p class="lead" id="verdict">{{ board.sentence }}</p>
          <p class="say">Each dot is a mean score, each bar its 95% interval. A grey one cannot be the best any more; a hollow one has no interval that could be trusted.</p>
          <table class="ranking stack" role="table" aria-labelledby="ranking-title">
            <thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Place</th><th role="columnheader" scope="col" class="left" style="padding-left: 0">Model, prompt</th><th role="columnheader" scope="col">Mean</th>
              <th role="columnheader" scope="col" class="c-plot"><span class="hidden">Drawn</span><svg class="axis" aria-hidden="true"><text v-for="tick in board.ticks" :x="tick.at + '%'" y="14" text-anchor="middle">{{ tick.label }}</text></svg></th>
              <th role="columnheader" scope="col">Scored</th><th role="columnheader" scope="col">Per 1,000</th><th role="columnheader" scope="col">Median</th></tr></thead>
            <tbody role="rowgroup"><tr role="row" v-for="row in board.rows" :key="row.key" :class="row.look" :data-cell="row.key">
              <td role="cell" class="c-place"><span class="big">{{ row.place }}</span><small>{{ row.ranks }}</small></td>
              <th role="rowheader" scope="row"><CellName :model="row.model" :prompt="row.prompt"/><small v-if="row.note">{{ row.note }}</small></th>
              <td role="cell" v-if="!row.drawn" class="c-none" colspan="2">{{ row.verdict }}</td>
              <template v-else><td role="cell" class="c-mean" data-label="Mean"><span class="big">{{ row.mean }}</span><small>{{ row.interval }}</small></td>
                <td role="cell" class="c-plot"><Dot :row="row" :ticks="board.ticks"/></td></template>
              <td role="cell" data-label="Scored">{{ row.scored }}<small v-if="row.unscored">{{ row.unscored }}</small></td>
              <td role="cell" data-label="Per 1,000">{{ row.cost }}</td><td role="cell" data-label="Median">{{ row.latency }}</td>
            </tr></tbody>
          </table>
          <p v-if="board.rows.length < board.n_rows" class="pages"><button type="button" @click="$emit('all', null)">Show all {{ board.n_rows }} cells</button></p>
        </template>
      </section>

      <section v-if="board && (board.cost || board.latency)" id="prices" aria-labelledby="prices-title">
        <h2 id="prices-title">Quality against cost and speed</h2>
        <p class="say">Mean score upwards, what it takes to the right. The line joins the cells that nothing cheaper or faster equals; numbers are places in the ranking.</p>
        <div class="columns">
          <Scatter :drawn="board.cost" title="Quality against cost" axis="US dollars per 1,000 tips" cheaper="as cheap or cheaper"/>
          <Scatter :drawn="board.latency" title="Quality against latency" axis="Median latency in milliseconds" cheaper="as fast or faster"/>
        </div>
      </section>

      <section id="tips" aria-labelledby="tips-title">
        <h2 id="tips-title">Tips side by side</h2>
        <p v-if="!tips" class="say" role="status">Reading &hellip;</p>
        <p v-else-if="!tips.scenarios.length" class="say">There are none yet. They can be read here as soon as a cell has ended.</p>
        <template v-else>
          <div class="switch">
            <div class="field" style="flex-basis: 24rem"><label for="tips-scenario">Situation</label><select id="tips-scenario" :value="tips.scenario" @change="choose($event.target.value)">
              <option v-for="known in tips.scenarios" :value="known.id">{{ known.label }}</option></select></div>
            <div class="field"><label for="tips-first">Cell</label><select id="tips-first" v-model="first" @change="choose(tips.scenario)"><option value="">all</option><option v-for="cell in tips.cells" :value="cell.key">{{ cell.label }}</option></select></div>
            <div class="field"><label for="tips-second">beside</label><select id="tips-second" v-model="second" :disabled="!first" @change="choose(tips.scenario)"><option value="">none</option><option v-for="cell in tips.cells" :value="cell.key">{{ cell.label }}</option></select></div>
            <span class="acts"><button type="button" @click="step(-1)">Previous</button><button type="button" @click="step(1)">Next</button></span>
          </div>
          <Situation v-if="tips.situation" :situation="tips.situation"/>
          <div class="cards"><article v-for="tip in tips.tips" class="card" :key="tip.id"><h3><CellName :model="tip.model" :prompt="tip.prompt"/></h3>
            <p class="tip" dir="auto">{{ tip.text }}</p><p class="given"><span v-for="score in tip.scores"><strong>{{ score.score }}</strong> <bdi>{{ score.by }}</bdi> &ensp;</span><span v-if="!tip.scores.length">not scored</span></p></article></div>
          <p v-if="tips.more" class="say">{{ tips.more }}</p>
        </template>
      </section>
    </div>`,
};
