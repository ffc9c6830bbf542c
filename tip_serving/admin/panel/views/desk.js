// Where there is something to judge: one line for each experiment.
import { Progress } from "tip-panel";

export default {
  components: { Progress },
  props: { page: Object },
  template: `
    <div>
      <div class="head"><div><h1>Judge</h1><p class="lead">Read a tip, say how good it is. Who wrote it is not told, so that nobody can favour anyone; what you have said is kept at once.</p></div></div>
      <div v-if="!page" class="bones" role="status" aria-label="Loading"><span v-for="n in 4"></span></div>
      <div v-else-if="!page.rows.length" class="empty"><h2>Nothing waits for you</h2><p>As soon as an experiment has tips to read, it stands here.</p></div>
      <table v-else class="experiments stack" role="table" aria-label="What waits to be judged">
        <thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Experiment</th><th role="columnheader" scope="col" class="left">Judged by you</th><th role="columnheader" scope="col"><span class="hidden">Open</span></th></tr></thead>
        <tbody role="rowgroup"><tr role="row" v-for="row in page.rows" :key="row.name"><th role="rowheader" scope="row"><bdi>{{ row.name }}</bdi></th>
          <td role="cell" class="c-progress"><Progress :share="row.share" :label="row.name + ' judged'"/><small>{{ row.counts }}</small></td>
          <td role="cell" class="whole"><span class="acts" style="justify-content: flex-end"><a class="button" :href="row.pairs">Pairs</a><a class="button primary" :href="row.href">{{ row.act }}</a></span></td></tr></tbody>
      </table>
    </div>`,
};
