// How far one experiment is: its facts, the grid of its cells, and what failed with why.
import { CellName, Progress } from "tip-panel";

export default {
  components: { CellName, Progress },
  props: { page: Object, may_act: Boolean, busy: String },
  data() {
    return { sure: false };
  },
  methods: {
    cancel() {
      if (this.sure) this.$emit("cancel");
      this.sure = !this.sure;
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
            <button v-if="page.can_retry" type="button" :disabled="busy" @click="$emit('retry', [])">Retry all that failed</button>
            <button v-if="page.can_cancel" type="button" class="danger" :disabled="busy" @click="cancel" @blur="sure = false">{{ sure ? "Really cancel?" : "Cancel" }}</button>
            <button v-if="page.can_resume" type="button" class="primary" :disabled="busy" @click="$emit('retry', [])">Go on</button>
          </div>
        </div>
        <div v-if="page.faults.length" class="note bad" role="alert"><p><strong>The spec in the lake is refused, so nothing runs.</strong></p><p v-for="fault in page.faults">{{ fault }}</p></div>
        <dl class="facts"><div v-for="fact in page.facts"><dt>{{ fact.term }}</dt><dd>{{ fact.value }}<small v-if="fact.note">{{ fact.note }}</small></dd></div></dl>
        <Progress v-if="page.is_open" :share="page.share" label="Tips made"/>
        <nav class="jump" aria-label="On this page"><a href="#cells">Cells</a><a v-if="page.failures.length" href="#failures">Failures</a><a href="#ranking">Ranking</a><a href="#tips">Tips</a>
          <a v-for="link in page.links" class="out" :href="link.href" target="_blank" rel="noopener">{{ link.name }}</a></nav>

        <section id="cells" v-if="page.grid" aria-labelledby="cells-title">
          <h2 id="cells-title">Cells</h2>
          <p class="say">A model and a prompt meet in a cell. {{ page.grid.say }}</p>
          <div class="scroll" tabindex="0" role="region" aria-labelledby="cells-title"><table class="grid">
            <thead><tr><th scope="col">Model</th><th v-for="prompt in page.grid.prompts" scope="col"><bdi>{{ prompt }}</bdi></th></tr></thead>
            <tbody><tr v-for="line in page.grid.lines" :key="line.model"><th scope="row"><bdi>{{ line.model }}</bdi></th>
              <td v-for="cell in line.cells" :class="cell.look" :title="cell.title" :data-cell="cell.key"><div>
                <span v-if="cell.share !== null" class="fill" :style="{ width: cell.share * 100 + '%' }"></span>
                <span class="figure">{{ cell.figure }}</span><small>{{ cell.note }}</small></div></td>
            </tr></tbody>
          </table></div>
          <p class="legend"><span v-for="count in page.grid.counts" class="phase" :class="'t-' + count.tone">{{ count.text }}</span>
            <span v-if="page.grid.ramp">mean {{ page.grid.ramp.low }}<span class="ramp"><span v-for="n in 7" :class="'step-' + n"><div></div></span></span>{{ page.grid.ramp.high }}</span></p>
          <p v-for="skip in page.skipped" class="say" style="margin-bottom: 0"><bdi>{{ skip.model }}</bdi> is left out: {{ skip.reason }}.</p>
        </section>

        <section id="failures" v-if="page.failures.length" aria-labelledby="failures-title">
          <h2 id="failures-title">Failures</h2>
          <p class="say">What is made stays; a retry makes only the calls that are missing.</p>
          <ul class="failures"><li v-for="failure in page.failures" :key="failure.key">
            <div><CellName :model="failure.model" :prompt="failure.prompt"/><br><small>{{ failure.missing }}</small></div>
            <div class="why">{{ failure.reason }}
              <details v-if="failure.calls.length"><summary>{{ failure.told }}</summary><ul><li v-for="call in failure.calls"><strong>{{ call.kind }}</strong> <bdi>{{ call.message }}</bdi></li></ul></details></div>
            <button v-if="may_act" type="button" :disabled="busy" @click="$emit('retry', [failure.key])" :aria-label="'Retry ' + failure.model + ' ' + failure.prompt">Retry</button>
          </li></ul>
        </section>
      </template>
    </div>`,
};
