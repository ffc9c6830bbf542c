// The ways in: a plain form that is posted, so that the cookie is set where no program can read it.

export default {
  props: { title: String, lead: String, act: String, action: String, fields: Array, fault: Object, told: String, then: String, provider: String },
  data() {
    return { busy: false };
  },
  methods: {
    at(name) { return this.fault && this.fault.field === name ? this.fault.message : null; },
  },
  template: `
    <div class="door"><p class="kicker">Tip bench</p><h1>{{ title }}</h1><p class="lead">{{ lead }}</p>
      <div role="alert"><p v-if="at('')" class="note bad">{{ at("") }}</p></div>
      <p v-if="told" class="note good" role="status">{{ told }}</p>
      <form v-if="fields.length" method="post" :action="action" @submit="busy = true">
        <input v-if="then" type="hidden" name="next" :value="then">
        <div v-for="(field, i) in fields" class="field"><label :for="'d-' + field.name">{{ field.label }}</label>
          <input :id="'d-' + field.name" :name="field.name" :type="field.type" :autocomplete="field.complete" :autofocus="i === 0" required spellcheck="false" autocapitalize="none"
            :aria-invalid="at(field.name) ? 'true' : null" :aria-describedby="'h-' + field.name">
          <small :id="'h-' + field.name"><span v-if="at(field.name)" class="fault">{{ at(field.name) }}</span><template v-else>{{ field.help }}</template></small></div>
        <button class="primary" :disabled="busy">{{ busy ? "One moment \u2026" : act }}</button>
      </form>
      <a v-else class="button wide" href="/sign-in">To the sign-in</a>
      <template v-if="provider"><p class="or">or</p><a class="button wide" :href="provider">Sign in through your organisation</a></template></div>`,
};
