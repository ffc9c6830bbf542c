// Every experiment in a table that keeps itself up to date; a page of it at a time.
import { Progress } from "tip-panel";

export default {
  components: { Progress },
  props: { page: Object, wanted: Object, may_start: Boolean },
  data() {
    return { text: this.wanted.text, phase: this.wanted.phase };
  },
  methods: {
    sift(page) {
      const query = new URLSearchParams();
      if (this.text) query.set("text", this.text);
      if (this.phase) query.set("phase", this.phase);
      if (page > 1) query.set("page", page);
      history.replaceState(null, "", query.size ? "?" + query : location.pathname);
      this.$emit("sift", { text: this.text, phase: this.phase, page });
    },
    typed() {
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.sift(1), 250);
    },
  },
  template: `
    <div>
      <div class="head">
        <div><h1>Experiments</h1><p class="lead">{{ page ? page.sentence : "Which model and prompt write the better tips?" }}</p></div>
        <div class="acts" v-if="may_start && !(page && page.n_all === 0)"><a class="button primary" href="/experiments/new">New experiment</a></div>
      </div>
      <div v-if="!page" class="bones" role="status" aria-label="Loading"><span v-for="n in 6"></span></div>
      <div v-else-if="page.fault" class="note bad" role="alert"><p><strong>The experiments cannot be read.</strong></p><p>{{ page.fault }}</p><p>This page tries again by itself.</p></div>
      <div v-else-if="page.n_all === 0" class="first">
        <h2>Nothing has been tried yet</h2>
        <ol><li><strong>Choose</strong> models and prompts. Every model writes with every prompt, over the same situations; the embedded ones need no key.</li>
          <li><strong>Watch</strong> the cells fill. A ranking by rules stands there as soon as the last one has.</li>
          <li><strong>Judge</strong> some tips yourself, blind. Your scores make a ranking of their own, and show whether the rules can be trusted.</li></ol>
        <a v-if="may_start" class="button primary" href="/experiments/new">Start the first one</a>
        <p v-else class="say">An admin can start one.</p>
      </div>
      <template v-else>
        <form class="sieve" role="search" @submit.prevent="sift(1)">
          <div class="field"><label for="sift-text">Name, model or prompt</label><input id="sift-text" type="search" v-model="text" @input="typed" autocomplete="off"></div>
          <div class="field"><label for="sift-phase">State</label><select id="sift-phase" v-model="phase" @change="sift(1)">
            <option value="">any</option><option v-for="known in page.phases" :value="known">{{ known }}</option></select></div>
          <output>{{ page.counted }}</output>
        </form>
        <div v-if="!page.rows.length" class="empty"><h2>None fits</h2><p>No experiment in this state has it in its name, its models or its prompts.</p>
          <button type="button" @click="text = phase = ''; sift(1)">Show all</button></div>
        <table v-else class="experiments stack" role="table" aria-label="Experiments">
          <thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Experiment</th><th role="columnheader" scope="col" class="left">State</th>
            <th role="columnheader" scope="col" class="left">Tips</th><th role="columnheader" scope="col">Cells</th>
            <th role="columnheader" scope="col">Cost</th><th role="columnheader" scope="col">Started</th></tr></thead>
          <tbody role="rowgroup"><tr role="row" v-for="row in page.rows" :key="row.name" :data-name="row.name">
            <th role="rowheader" scope="row"><a :href="row.href"><bdi>{{ row.name }}</bdi></a><small>{{ row.about }}</small></th>
            <td role="cell" class="c-phase"><span class="phase" :class="'t-' + row.tone">{{ row.phase }}</span><small v-if="row.failed" class="alert">{{ row.failed }}</small></td>
            <td role="cell" class="c-progress"><Progress :share="row.share" :label="row.name + ': ' + row.counts"/><small>{{ row.counts }}</small></td>
            <td role="cell" data-label="Cells">{{ row.cells }}</td>
            <td role="cell" data-label="Cost">{{ row.cost }}</td>
            <td role="cell" class="whole" data-label="Started"><time :datetime="row.created_iso" :title="row.created_iso">{{ row.created }}</time></td>
          </tr></tbody>
        </table>
        <nav v-if="page.n_pages > 1" class="pages" aria-label="Pages of the table">
          <button type="button" :disabled="page.number <= 1" @click="sift(page.number - 1)">Newer</button>
          <span>Page {{ page.number }} of {{ page.n_pages }}</span>
          <button type="button" :disabled="page.number >= page.n_pages" @click="sift(page.number + 1)">Older</button>
        </nav>
      </template>
    </div>`,
};
