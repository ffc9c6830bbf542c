// Where there is something to judge: one line for each experiment.

export default {
  props: { page: Object },
  template: `
    <div>
      <div class="head"><div><h1>Judge</h1><p class="lead">Read a tip, say how good it is. Who wrote it is not told, so that nobody can favour anyone. What you have said is kept at once, and you go on where you left.</p></div></div>
      <div v-if="!page.rows.length" class="empty"><h2>Nothing waits for you</h2><p>As soon as an experiment has tips to read, it stands here by itself.</p></div>
      <table v-else class="experiments stack" role="table" aria-label="What can be judged">
        <thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Experiment</th><th role="columnheader" scope="col" class="left">To read</th><th role="columnheader" scope="col"><span class="hidden">Open</span></th></tr></thead>
        <tbody role="rowgroup"><tr role="row" v-for="row in page.rows" :key="row.name"><th role="rowheader" scope="row"><a :href="row.href"><bdi>{{ row.name }}</bdi></a></th>
          <td role="cell" class="left">{{ row.counts }}</td>
          <td role="cell" class="whole"><span class="acts end"><a class="button" :href="row.pairs" :aria-label="'Pairs of ' + row.name">In pairs</a><a class="button primary" :href="row.href" :aria-label="'Tips of ' + row.name">One by one</a></span></td></tr></tbody>
      </table>
    </div>`,
};
