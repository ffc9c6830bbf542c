// Every proposal for a release in a table that keeps itself up to date.

export default {
  props: { page: Object },
  template: `
    <div>
      <div class="head"><div><h1>Releases</h1><p class="lead">{{ page && page.n_all ? page.sentence : "Nothing reaches people that has not earned it." }}</p></div></div>
      <div v-if="!page" class="bones" role="status" aria-label="Loading"><span v-for="n in 5"></span></div>
      <div v-else-if="page.fault" class="note bad" role="alert"><p><strong>The releases cannot be read.</strong></p><p>{{ page.fault }}</p><p>This page tries again by itself.</p></div>
      <div v-else-if="page.n_all === 0" class="empty">
        <h2>Nothing was proposed yet</h2>
        <p>A trained candidate, or the cell that leads a bench, is proposed with <code>tip release propose</code>. It passes a gate, answers in the shadow, and then goes to more and more people while nothing speaks against it.</p>
      </div>
      <table v-else class="releases stack" role="table" aria-label="Releases">
        <thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Release</th><th role="columnheader" scope="col" class="left">State</th><th role="columnheader" scope="col">Users</th>
          <th role="columnheader" scope="col" class="left">Why</th><th role="columnheader" scope="col">Since</th></tr></thead>
        <tbody role="rowgroup"><tr role="row" v-for="row in page.rows" :key="row.id" :data-id="row.id">
          <th role="rowheader" scope="row"><a :href="row.href"><bdi>{{ row.title }}</bdi></a><small>{{ row.about }}</small></th>
          <td role="cell" class="left"><span class="phase" :class="'t-' + row.tone">{{ row.phase }}</span></td>
          <td role="cell" class="c-share" data-label="Users">{{ row.share }}</td>
          <td role="cell" class="left whole"><span v-for="reason in row.reasons" class="line">{{ reason }}</span><small v-if="row.next">next: {{ row.next }}</small></td>
          <td role="cell" class="whole" data-label="Since"><time :datetime="row.changed_iso">{{ row.changed }}</time></td>
        </tr></tbody>
      </table>
    </div>`,
};
