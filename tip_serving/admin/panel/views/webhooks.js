// Keys with which machines that judge sign what they hand in; a secret is shown once.
import { Access, Once, Sure } from "tip-panel";

export default {
  components: { Access, Once, Sure },
  props: { page: Object, fault: { type: String, default: "" }, made: Object },
  data() {
    return { judge: "" };
  },
  watch: {
    made(now) { if (now) this.judge = ""; },
  },
  template: `
    <div>
      <Access here="/webhooks" title="Webhook keys" lead="A machine that judges signs each request with its key. It fetches blind work and hands in scores as the judge of that key, and reaches nothing else."/>
      <Once v-if="made" :title="'The secret of ' + made.judge + ', key ' + made.id" :secret="made.secret"/>
      <div v-if="!page.rows.length" class="empty"><h2>No key yet</h2><p>People need none: they judge on the page of that name.</p></div>
      <table v-else class="stack" role="table" aria-label="Webhook keys"><thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Judge</th><th role="columnheader" scope="col" class="left">Key</th><th role="columnheader" scope="col" class="left">Made by</th><th role="columnheader" scope="col">Since</th><th role="columnheader" scope="col"><span class="hidden">Revoke</span></th></tr></thead>
        <tbody role="rowgroup"><tr role="row" v-for="row in page.rows" :key="row.id"><th role="rowheader" scope="row"><bdi class="cell-name">{{ row.judge }}</bdi></th>
          <td role="cell" class="left" data-label="Key"><code>{{ row.id }}</code></td><td role="cell" class="left" data-label="Made by"><bdi>{{ row.by }}</bdi></td><td role="cell" data-label="Since">{{ row.since }}</td>
          <td role="cell"><Sure act="Revoke" :of="row.judge + ' ' + row.id" @sure="$emit('revoke', row.id)"/></td></tr></tbody></table>
      <section><h2>A new key</h2>
        <form class="inline-form" @submit.prevent="$emit('make', { judge })" novalidate>
          <div class="field"><label for="w-judge">Name of the judge</label><input id="w-judge" v-model="judge" autocomplete="off" spellcheck="false" maxlength="120" :aria-invalid="fault ? 'true' : null" aria-describedby="e-judge"><small id="e-judge"><span v-if="fault" class="fault">{{ fault }}</span><template v-else>Its scores stand under this name.</template></small></div>
          <button class="primary">Make a key</button>
        </form>
      </section>
      <section><h2>How a request is signed</h2>
        <p class="say">Three headers go with it. The same request is taken once, and within five minutes of its time.</p>
        <pre class="sheet" tabindex="0">Tip-Key: the key, as it stands above
Tip-Timestamp: seconds since 1970
Tip-Signature: hex HMAC-SHA256, by the secret, over
  timestamp + "\\n" + METHOD + "\\n" + /path?query + "\\n" + body

GET  /api/bench/export/&lt;experiment&gt;   blind work, JSON lines
POST /api/bench/scores/&lt;experiment&gt;   judgements, JSON lines</pre>
      </section>
    </div>`,
};
