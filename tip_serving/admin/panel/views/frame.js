// The bar above every page, the notice below it, and the page itself in between.

const STAYS_MS = 8000;

export default {
  props: { places: Array, here: String, who: String, role: String, csrf: String, notice: Object },
  data() {
    return { theme: localStorage.getItem("tip-theme") || "system", said: "" };
  },
  watch: {
    notice({ text }) {
      this.said = text;
      clearTimeout(this.fading);
      this.fading = setTimeout(() => { this.said = ""; }, STAYS_MS);
    },
  },
  methods: {
    turn() {
      const order = ["system", "light", "dark"];
      this.theme = order[(order.indexOf(this.theme) + 1) % order.length];
      localStorage.setItem("tip-theme", this.theme);
      if (this.theme === "system") delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = this.theme;
    },
    toContent(event) {
      event.preventDefault();
      document.getElementById("leaf").focus();
    },
  },
  template: `
    <div>
      <a class="skip" href="#leaf" @click="toContent">To the content</a>
      <header class="bar">
        <a class="brand" href="/">Tip bench</a>
        <nav aria-label="Places"><a v-for="place in places" :href="place.href" :aria-current="place.href === here ? 'page' : null">{{ place.name }}</a></nav>
        <div class="bar-end">
          <button type="button" class="quiet" @click="turn" :aria-label="'Colours: ' + theme">{{ { system: "Auto", light: "Light", dark: "Dark" }[theme] }}</button>
          <a class="who" href="/account" title="Your account" :aria-current="here === '/account' ? 'page' : null"><bdi>{{ who }}</bdi> &middot; {{ role }}</a>
          <form method="post" action="/sign-out"><input type="hidden" name="csrf" :value="csrf"><button class="quiet">Sign out</button></form>
        </div>
      </header>
      <div class="leaf" id="leaf" tabindex="-1"><slot></slot></div>
      <div class="toast" role="status">{{ said }}</div>
    </div>`,
};
