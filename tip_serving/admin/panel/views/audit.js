// Who did what and what was refused, the latest first; nobody can change it, admins neither.
import { Access, Pages } from "tip-panel";

export default {
  components: { Access, Pages },
  props: { page: Object, wanted: Object },
  data() {
    return { action: this.wanted.action, by: this.wanted.by };
  },
  methods: {
    sift(page) {
      const query = new URLSearchParams();
      if (this.action) query.set("action", this.action);
      if (this.by) query.set("by", this.by);
      if (page > 1) query.set("page", page);
      history.replaceState(null, "", query.size ? "?" + query : location.pathname);
      this.$emit("sift", { action: this.action, by: this.by, page });
    },
    typed() {
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.sift(1), 300);
    },
  },
  template: `
    <div>
      <Access here="/audit" title="Audit log" lead="Who did what, and what was refused. It only grows: nobody can change an entry. Times are UTC."/>
      <form class="sieve" role="search" @submit.prevent="sift(1)">
        <div class="field"><label for="a-by">Done by</label><input id="a-by" type="search" v-model="by" @input="typed" placeholder="anybody" autocomplete="off" spellcheck="false"></div>
        <div class="field"><label for="a-action">What</label><select id="a-action" v-model="action" @change="sift(1)"><option value="">anything</option><option v-for="known in page.actions" :value="known.name">{{ known.words }}</option></select></div>
        <output>{{ page.n_total.toLocaleString("en") }} {{ page.n_total === 1 ? "entry" : "entries" }}</output>
      </form>
      <div v-if="!page.rows.length" class="empty"><h2>Nothing like that</h2><p>No entry fits what you look for.</p><button type="button" @click="action = by = ''; sift(1)">Show all</button></div>
      <ol v-else class="log" aria-label="Entries"><template v-for="(row, i) in page.rows" :key="row.entry">
        <li v-if="!i || page.rows[i - 1].day !== row.day" class="log-day"><h2>{{ row.day }}</h2></li>
        <li :data-action="row.words"><time :datetime="row.iso">{{ row.time }}</time>
          <span class="log-who"><bdi v-if="row.user">{{ row.user }}</bdi><i v-else>somebody</i></span>
          <span class="log-what"><strong :class="{ alert: row.is_refusal }">{{ row.words }}</strong> <bdi v-if="row.subject !== row.user" class="log-subject">{{ row.subject }}</bdi>
            <small v-if="row.detail"><bdi>{{ row.detail }}</bdi></small>
            <details v-if="row.folded.length"><summary>Details</summary><ul><li v-for="one in row.folded"><bdi>{{ one }}</bdi></li></ul></details></span></li></template></ol>
      <Pages :number="page.number" :of="page.n_pages" @turn="sift($event)"/>
    </div>`,
};
