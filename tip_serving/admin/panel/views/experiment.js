// How far one experiment is: its facts, the grid of its cells, one of them looked at closely, and what failed with why.
import { CellName, Facts, ModelName, Progress } from "tip-panel";

const RAMP = 7;

export default {
  components: { CellName, Facts, ModelName, Progress },
  props: { page: Object, marks: Object, cell: Object, may_act: Boolean },
  data() {
    return { sure: false };
  },
  computed: {
    ramp: () => RAMP,
    say() {
      const means = this.marks ? `The colour is the mean that ${this.marks.judge} gave.` : "The colour is its state.";
      return `A model and a prompt meet in a cell. ${means} Choose one to see what it took.`;
    },
  },
  methods: {
    cancel() {
      if (this.sure) this.$emit("cancel");
      this.sure = !this.sure;
    },
    // What judges said lies over a cell that is complete; until then its state is what matters.
    drawn(cell) {
      const mark = cell.phase === "complete" ? this.marks?.cells[cell.key] : null;
      return { figure: cell.figure, note: cell.note, look: "", ...mark };
    },
    readTips() {
      this.$emit("read", { cells: [this.cell.key] });
      document.getElementById("tips").scrollIntoView();
    },
  },
  template: `
    <div>
      <div v-if="!page" class="bones" role="status" aria-label="Loading"><span v-for="n in 6"></span></div>
      <template v-else>
        <div class="head">
          <div><p class="kicker"><a href="/">Experiments</a></p><h1><bdi>{{ page.name }}</bdi></h1>
            <p class="lead"><span class="phase" :class="'t-' + page.tone" style="font: inherit">{{ page.phase }}</span>. {{ page.sentence }}</p></div>
          <div v-if="may_act" class="acts">
            <button v-if="page.can_retry" type="button" @click="$emit('retry', [])">Retry all that failed</button>
            <button v-if="page.can_cancel" type="button" class="danger" @click="cancel" @blur="sure = false">{{ sure ? "Really cancel?" : "Cancel" }}</button>
            <button v-if="page.can_resume" type="button" class="primary" @click="$emit('retry', [])">Go on</button>
          </div>
        </div>
        <div v-if="page.faults.length" class="note bad" role="alert"><p><strong>The spec in the lake is refused, so nothing runs.</strong></p><p v-for="fault in page.faults">{{ fault }}</p></div>
        <Facts :facts="page.facts"/>
        <Progress v-if="page.is_open" :share="page.share" label="Tips made"/>
        <nav class="jump" aria-label="On this page"><a href="#cells">Cells</a><a v-if="page.failures.length" href="#failures">Failures</a><a href="#ranking">Ranking</a><a href="#tips">Tips</a>
          <a v-for="link in page.links" class="out" :href="link.href" target="_blank" rel="noopener">{{ link.name }}</a></nav>

        <section id="cells" v-if="page.grid" aria-labelledby="cells-title">
          <h2 id="cells-title">Cells</h2>
          <p class="say">{{ say }}</p>
          <div class="scroll" tabindex="0" role="region" aria-labelledby="cells-title"><table class="grid">
            <thead><tr><th scope="col">Model</th><th v-for="prompt in page.grid.prompts" scope="col"><bdi>{{ prompt }}</bdi></th></tr></thead>
            <tbody><tr v-for="line in page.grid.lines" :key="line.model"><th scope="row"><ModelName :model="line.model"/></th>
              <td v-for="(one, i) in line.cells" :key="one.key" :class="'p-' + one.phase" :data-cell="one.key">
                <button v-if="one.key" type="button" :class="drawn(one).look" :title="line.model + ' ' + page.grid.prompts[i]" :aria-expanded="cell && cell.key === one.key ? 'true' : 'false'" @click="$emit('pick', cell && cell.key === one.key ? null : one.key)">
                  <span v-if="one.share !== null" class="fill" :style="{ width: one.share * 100 + '%' }"></span>
                  <span class="figure">{{ drawn(one).figure }}</span><small>{{ drawn(one).note }}</small></button>
                <span v-else>{{ one.figure }}</span></td>
            </tr></tbody>
          </table></div>
          <p class="legend"><span v-for="count in page.grid.counts" class="phase" :class="'t-' + count.tone">{{ count.text }}</span>
            <span v-if="marks && marks.low">mean {{ marks.low }}<span class="ramp"><span v-for="n in ramp" :class="'step-' + n"></span></span>{{ marks.high }}</span></p>
          <div v-if="cell" class="closer" role="region" aria-live="polite" :aria-label="cell.model + ' ' + cell.prompt">
            <div class="closer-head"><h3><CellName :model="cell.model" :prompt="cell.prompt"/></h3><span class="phase" :class="'t-' + cell.tone">{{ cell.phase }}</span>
              <span class="acts"><a v-for="link in cell.links" class="out" :href="link.href" target="_blank" rel="noopener">{{ link.name }}</a>
                <button type="button" @click="readTips">Read its tips</button><button type="button" class="quiet" @click="$emit('pick', null)" aria-label="Close">&times;</button></span></div>
            <p v-if="cell.reason" class="why">{{ cell.reason }}</p>
            <Facts :facts="cell.facts"/>
          </div>
          <p v-for="skip in page.skipped" class="say" style="margin-bottom: 0"><bdi>{{ skip.model }}</bdi> is left out: {{ skip.reason }}.</p>
        </section>

        <section id="failures" v-if="page.failures.length" aria-labelledby="failures-title">
          <h2 id="failures-title">Failures</h2>
          <p class="say">What is made stays; a retry makes only the calls that are missing.</p>
          <ul class="failures"><li v-for="failure in page.failures" :key="failure.key">
            <div><CellName :model="failure.model" :prompt="failure.prompt"/><br><small>{{ failure.missing }}</small></div>
            <div class="why">{{ failure.reason }}
              <details v-if="failure.calls.length"><summary>{{ failure.told }}</summary><ul><li v-for="call in failure.calls"><strong>{{ call.kind }}</strong> <bdi>{{ call.message }}</bdi></li></ul></details></div>
            <button v-if="may_act" type="button" @click="$emit('retry', [failure.key])" :aria-label="'Retry ' + failure.model + ' ' + failure.prompt">Retry</button>
          </li></ul>
        </section>
      </template>
    </div>`,
};
