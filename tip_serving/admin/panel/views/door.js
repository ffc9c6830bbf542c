// Sign-in and the first account: plain forms that are posted, so that the cookie is set where no program can read it.

export default {
  props: { act: String, action: String, csrf: String, fields: Array, faults: { type: Array, default: () => [] }, next: String, title: String, lead: String, provider: Object },
  data() {
    return { busy: false };
  },
  template: `
    <main class="door"><p class="kicker">Tip bench</p><h1>{{ title }}</h1><p class="lead">{{ lead }}</p>
      <div v-if="faults.length" class="note bad" role="alert"><p v-for="fault in faults">{{ fault }}</p></div>
      <form v-if="fields.length" method="post" :action="action" @submit="busy = true">
        <input v-if="csrf" type="hidden" name="csrf" :value="csrf"><input v-if="next" type="hidden" name="next" :value="next">
        <div v-for="(field, i) in fields" class="field"><label :for="'d-' + field.name">{{ field.label }}</label>
          <input :id="'d-' + field.name" :name="field.name" :type="field.type" :autocomplete="field.complete" :autofocus="i === 0" required spellcheck="false" autocapitalize="none"><small v-if="field.help">{{ field.help }}</small></div>
        <button class="primary" :disabled="busy">{{ act }}</button>
      </form>
      <template v-if="provider"><p class="or" v-if="fields.length">or</p><a class="button" style="display: flex" :href="provider.href">{{ provider.name }}</a></template>
    </main>`,
};
