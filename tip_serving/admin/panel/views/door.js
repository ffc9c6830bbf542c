// The ways in. The route sets the cookie where no program can read it; what it refuses is told here.

export default {
  props: { title: String, lead: String, act: String, action: String, fields: Array, token: String, then: String, provider: String },
  data() {
    return { given: {}, faults: [], busy: false };
  },
  methods: {
    async enter() {
      this.busy = true;
      this.faults = [];
      const body = this.token ? { token: this.token, ...this.given } : { ...this.given };
      try {
        const answer = await fetch(this.action, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
        if (answer.ok) return location.assign(this.then);
        const problem = await answer.json();
        this.faults = problem.faults?.length ? problem.faults : [{ field: "", message: problem.detail || problem.title }];
      } catch {
        this.faults = [{ field: "", message: "The server does not answer. Nothing was sent twice; try again." }];
      }
      this.busy = false;
      this.$nextTick(() => this.$el.querySelector("input")?.focus());
    },
    fault(name) { return this.faults.find((fault) => fault.field === name)?.message; },
  },
  computed: {
    others() { return this.faults.filter((fault) => !this.fields.some((field) => field.name === fault.field)); },
  },
  template: `
    <div class="door"><p class="kicker">Tip bench</p><h1>{{ title }}</h1><p class="lead">{{ lead }}</p>
      <div role="alert"><p v-for="fault in others" class="note bad">{{ fault.message }}</p></div>
      <form v-if="fields.length" @submit.prevent="enter">
        <div v-for="(field, i) in fields" class="field"><label :for="'d-' + field.name">{{ field.label }}</label>
          <input :id="'d-' + field.name" v-model="given[field.name]" :type="field.type" :autocomplete="field.complete" :autofocus="i === 0" required spellcheck="false" autocapitalize="none"
            :aria-invalid="fault(field.name) ? 'true' : null" :aria-describedby="'h-' + field.name">
          <small :id="'h-' + field.name"><span v-if="fault(field.name)" class="fault">{{ fault(field.name) }}</span><template v-else>{{ field.help }}</template></small></div>
        <button class="primary" :disabled="busy">{{ busy ? "One moment \u2026" : act }}</button>
      </form>
      <a v-else class="button" href="/sign-in">To sign in</a>
      <template v-if="provider"><p class="or">or</p><a class="button wide" :href="provider">Sign in through your organisation</a></template></div>`,
};
