// The prompt versions: their texts, what changed between two, and who uses them.

const Sheet = {
  props: { lines: Array, text: String },
  template: `<pre v-if="lines" class="sheet diff"><span v-for="line in lines" :class="line.kind">{{ line.text }}</span></pre><pre v-else class="sheet">{{ text }}</pre>`,
};

export default {
  components: { Sheet },
  props: { page: Object },
  methods: {
    compare(event) {
      const query = new URLSearchParams({ version: this.page.shown.version });
      if (event.target.value) query.set("against", event.target.value);
      location.search = query;
    },
  },
  template: `
    <div>
      <div class="head"><div><h1>Prompts</h1><p class="lead">A version that has been used never changes; an edit is a new version.</p></div></div>
      <div class="versions">
        <nav aria-label="Versions"><a v-for="known in page.versions" :href="'?version=' + known.version" :aria-current="known.version === page.shown.version ? 'page' : null">
          <strong><bdi>{{ known.version }}</bdi></strong><small style="display: block">{{ known.summary }}</small></a></nav>
        <article :aria-label="page.shown.version">
          <div class="switch" style="margin-top: 0; justify-content: space-between"><h2 style="border: 0; padding: 0" class="mono">{{ page.shown.version }}</h2>
            <div class="field"><label for="against">Differences from</label><select id="against" :value="page.against || ''" @change="compare"><option value="">none, the text as it is</option>
              <option v-for="known in page.versions" :value="known.version" :disabled="known.version === page.shown.version">{{ known.version }}</option></select></div></div>
          <p class="say">{{ page.shown.summary }}</p>
          <dl class="facts"><div><dt>Answers up to</dt><dd>{{ page.shown.max_tokens }} tokens</dd></div><div><dt>Reads</dt><dd>{{ page.shown.variables }}</dd></div>
            <div><dt>Fingerprint</dt><dd class="mono">{{ page.shown.content_hash }}</dd></div></dl>
          <h3 style="margin-top: 1.5rem">System</h3><Sheet :text="page.shown.system" :lines="page.shown.system_diff"/>
          <h3>User</h3><Sheet :text="page.shown.user" :lines="page.shown.user_diff"/>
          <h3>Used in</h3>
          <p v-if="!page.shown.used.length" class="say">No experiment asks for it.</p>
          <ul class="used"><li v-for="name in page.shown.used"><a :href="'/experiments/' + name"><bdi>{{ name }}</bdi></a></li></ul>
        </article>
      </div>
    </div>`,
};
